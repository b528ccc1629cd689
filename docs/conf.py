"""Configure Sphinx, which builds the documentation site: ``make site``."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "siteopt"
author = "The siteopt authors"
project_copyright = "The siteopt authors, MIT licence"
release = version = version_of("siteopt")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
highlight_language = "text"

myst_heading_anchors = 4

# Notebooks are stored without outputs and run in every build, so the site always shows current answers.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # no page loads a script from the network

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_google_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"siteopt {release}"
html_theme_options = {
    "source_repository": "https://github.com/siteopt/siteopt/",
    "source_branch": "main",
    "source_directory": "docs/",
}

OUTSIDE = {"../data/README.md": "data.md"}
"""Files outside this folder that documents link to, and the pages that include them."""

SEVERAL = re.compile(r"^(\w+(?:, \w+)+) : (.+)$", re.MULTILINE)
"""Attributes that share a line of a docstring: ``method, solver : str``."""


def link_to_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """Point links to files outside this folder to the pages that include them."""
    for file, page in OUTSIDE.items():
        source[0] = source[0].replace(f"]({file}", f"]({page}")


def one_a_line(app: Sphinx, what: str, name: str, described: object, options: object, lines: list[str]) -> None:
    """Give each attribute its own line, since Napoleon reads only the first of a line."""
    text = SEVERAL.sub(lambda m: "\n".join(f"{each} : {m[2]}" for each in m[1].split(", ")), "\n".join(lines))
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> None:
    """Register the extensions of this site with Sphinx."""
    app.connect("source-read", link_to_pages)
    app.connect("autodoc-process-docstring", one_a_line, priority=100)
