from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Hash every file's name and compress it; a reference to a missing file stays.

    Third-party bundles name source maps they do not ship.
    """

    manifest_strict = False
    # A module imports its neighbours by their hashed names too: one copy of each
    # in the browser, and none that is older than the page.
    support_js_module_import_aggregation = True

    def hashed_name(self, name, content=None, filename=None):
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return name

    def create_compressor(self, **kwargs):
        # Brotli takes twenty times as long, at every first start.
        return Compressor(use_brotli=False, **kwargs)


def add_headers(headers, path: str, url: str) -> None:
    """Let other people's pages load the widget even if they isolate themselves."""
    if url.startswith("/static/widget/"):
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
