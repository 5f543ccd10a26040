"""Pages of signing in where we do more than allauth."""

from allauth.account.views import PasswordResetFromKeyView
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access.authentication import ORGANIZATION_IN_SESSION
from accounts.audit.request_facts import answers_with
from accounts.errors import DomainError
from accounts.sign_in import first_owner, known_devices
from accounts.views.access import anonymous_page
from accounts.views.forms.forms import FirstOwnerForm
from accounts.views.members import SIGN_IN_BACKEND


class NewPasswordView(PasswordResetFromKeyView):
    """Choose a password by a mailed link: then it is one's own browser, too."""

    def form_valid(self, form) -> HttpResponse:
        response = super().form_valid(form)
        known_devices.remember(response, self.reset_user)
        return response


new_password = NewPasswordView.as_view()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_with(302)
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first owner; there is no such page once somebody has an account."""
    if first_owner.has_users():
        raise Http404
    return _setup(request)


@anonymous_page("setup", 30, 60)
def _setup(request: HttpRequest) -> HttpResponse:
    """Make the first owner, with the code that the server printed."""
    form = FirstOwnerForm(request.POST or None)
    context = {"form": form, "refusal": ""}
    try:
        first_owner.check_database()
        if form.is_valid():
            owner = first_owner.create_first_owner(**form.cleaned_data)
            login(request, owner.user, backend=SIGN_IN_BACKEND)
            request.session[ORGANIZATION_IN_SESSION] = owner.organization_id
            return redirect("agents:list")
    except first_owner.AlreadySetUp:
        return redirect("account_login")
    except first_owner.OtherDatabase as error:
        context = {"form": None, "refusal": error.detail}
        return render(
            request, "accounts/sign_in/setup.html", context, status=error.status
        )
    except DomainError as error:
        form.refuse(error)
    status = 422 if form.is_bound else 200
    return render(request, "accounts/sign_in/setup.html", context, status=status)
