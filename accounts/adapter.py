from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in as this product wants it: accounts are made by those who may."""

    def is_open_for_signup(self, request):
        return False
