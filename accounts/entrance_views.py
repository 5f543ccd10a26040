"""Pages of signing in where we do more than allauth."""

from allauth.account.views import PasswordResetFromKeyView
from django.http import HttpResponse

from accounts import devices


class NewPasswordView(PasswordResetFromKeyView):
    """Choose a password by a mailed link: then it is one's own browser, too."""

    def form_valid(self, form) -> HttpResponse:
        response = super().form_valid(form)
        devices.remember(response, self.reset_user)
        return response


new_password = NewPasswordView.as_view()
