"""Pages at the top of the repository join the site, and links that lead out of `docs` follow."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

TOP_PAGES = {
    "README.md": "first-commands.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"(\[[^\[\]]*)?\]\(([^)\s]+)\)")  # words with a picture in them are left out


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand at the top of the repository."""
    repository = Path(config.config_file_path).parent
    for name, page in TOP_PAGES.items():
        text = (repository / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Point links at pages of the site; a link to another file becomes the file's name."""
    names = {address: name for name, address in TOP_PAGES.items()}
    source = names.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def rewrite(link: re.Match[str]) -> str:
        words, address = link[1] or "", link[2]
        if "://" in address or address.startswith("#"):
            return link[0]
        # find the file that the link means in the repository
        name, mark, heading = address.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
        # say its address in the site, or its name where the site does not have it
        if target in TOP_PAGES or target.startswith("docs/"):
            place = TOP_PAGES.get(target, target.removeprefix("docs/"))
            relative = posixpath.relpath(place, posixpath.dirname(page.file.src_uri) or ".")
            return f"{words}]({relative}{mark}{heading})"
        return f"{words[1:]} (`{target}`)"

    return _LINK.sub(rewrite, markdown)
