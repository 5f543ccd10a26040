"""What the pages of a pack ask for besides texts: files, and sites to read."""

from typing import Any

from django import forms

from accounts.views.forms.forms import DomainForm
from agents.knowledge.web.sites import MAX_DEPTH, MAX_PAGES
from agents.models.knowledge import Language
from agents.models.sources import Recrawl
from agents.views.forms.fields import PLAIN


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once; what is in them, the domain judges."""

    widget = FilesInput(attrs={"multiple": True})

    def __init__(self, **kwargs):
        super().__init__(allow_empty_file=True, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        # None at all is then refused where one is needed.
        given = (data if isinstance(data, list | tuple) else [data]) or [None]
        cleaned = [super(FilesField, self).clean(file, initial) for file in given]
        return [file for file in cleaned if file]


class FilesForm(DomainForm):
    """Files to add to a pack."""

    files = FilesField(label="Files")


class SiteLimitsForm(DomainForm):
    """How much of a site is read, and how often."""

    max_pages = forms.IntegerField(
        label="Pages at most", min_value=1, max_value=MAX_PAGES, initial=100
    )
    max_depth = forms.IntegerField(
        label="Links away from the address at most",
        min_value=0,
        max_value=MAX_DEPTH,
        initial=2,
        help_text="0 reads that page only. A sitemap's pages are read either way.",
    )
    recrawl = forms.ChoiceField(
        label="Read it again", choices=Recrawl, initial=Recrawl.WEEKLY
    )


class SiteForm(SiteLimitsForm):
    """A site to read into a pack."""

    url = forms.URLField(
        label="Address",
        max_length=2000,
        assume_scheme="https",
        help_text="A page, or a sitemap (sitemap.xml).",
    )
    field_order = ("url", "max_pages", "max_depth", "recrawl")


class DocumentForm(DomainForm):
    """A text, pasted."""

    title = forms.CharField(max_length=500, widget=forms.TextInput(attrs=PLAIN))
    content = forms.CharField(
        label="Text",
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text="Plain text or Markdown. Headings help it find the right passage.",
    )
    source_url = forms.URLField(
        label="Where it stands",
        max_length=2000,
        required=False,
        assume_scheme="https",
        help_text="Citations link to this address.",
    )


class KnowledgePackForm(DomainForm):
    """A new, empty pack."""

    name = forms.CharField(max_length=255, widget=forms.TextInput(attrs=PLAIN))
    description = forms.CharField(
        max_length=2000, required=False, widget=forms.TextInput(attrs=PLAIN)
    )
    language = forms.ChoiceField(
        choices=Language,
        initial=Language.ENGLISH,
        help_text="Of its texts; search knows its word forms.",
    )
