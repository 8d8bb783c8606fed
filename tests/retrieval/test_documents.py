from __future__ import annotations

import io
from pathlib import Path

import pytest

from pilotfish.retrieval.documents import UnreadableError, read_document


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def make_pdf(pages: list[str]) -> bytes:
    """A PDF with one line of Helvetica a page, written by hand because pypdf only reads text."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out = io.BytesIO(b"")
    out.write(b"%PDF-1.4\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.writelines(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def headings(document: object) -> list[tuple[int, str | None]]:
    return [(mark.start, mark.heading) for mark in document.marks]  # type: ignore[attr-defined]


def test_markdown_keeps_its_text_and_nests_its_headings(tmp_path: Path) -> None:
    text = "# Canals\nIntro.\n## Suez\nDraft 20.1 m.\n# Ports\n"
    document = read_document(write(tmp_path, "a.md", text), source="a.md")
    assert document.text == text
    assert headings(document) == [
        (text.index("# Canals"), "Canals"),
        (text.index("## Suez"), "Canals > Suez"),
        (text.index("# Ports"), "Ports"),
    ]


def test_a_hash_in_fenced_code_is_no_heading(tmp_path: Path) -> None:
    text = "# Real\n```sh\n# a comment\n```\n~~~\n# another\n```\n# still code\n~~~\nUnderlined\n==========\nbody\n"
    document = read_document(write(tmp_path, "a.md", text), source="a.md")
    assert [name for _, name in headings(document)] == ["Real", "Underlined"]


def test_html_drops_what_is_not_read_and_keeps_words_apart(tmp_path: Path) -> None:
    page = (
        "<html><head><title>T</title><style>p{}</style></head><body><nav>menu</nav><h1>Ports <b>of call</b></h1>"
        "<p>Rotter<b>dam</b></p>next<table><tr><td>draft</td><td>15 m</td></tr></table>"
        "<pre>a\n  b</pre><script>x()</script><!-- hidden --><h2>Cranes</h2><p>Ten.</p></body></html>"
    )
    document = read_document(write(tmp_path, "a.html", page), source="a.html")
    words = document.text.split()
    assert "Rotterdam" in words
    assert "next" in words
    assert words[words.index("draft") + 1] == "15"
    assert "a\n  b" in document.text
    assert not {"menu", "x()", "hidden", "p{}"} & set(words)
    names = headings(document)
    assert [name for _, name in names] == ["Ports of call", "Ports of call > Cranes"]
    assert all(document.text[at:].startswith(str(name).split(" > ")[-1]) for at, name in names)


def test_pdf_pages_are_marked(tmp_path: Path) -> None:
    path = write(tmp_path, "a.pdf", make_pdf(["Suez draft is 20.1 m", "Panama draft is 15.24 m"]))
    document = read_document(path, source="a.pdf")
    assert [mark.page for mark in document.marks] == [1, 2]
    assert "Panama" in document.text[document.marks[1].start :]
    assert "Panama" not in document.text[: document.marks[1].start]


def test_windows_line_ends_and_byte_order_mark_are_taken_off(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "a.txt", b"\xef\xbb\xbfone\r\ntwo\r\n"), source="a.txt")
    assert document.text == "one\ntwo\n"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"\xff\xfa\x00binary", "UTF-8"),
        ("a.txt", b"zero\x00byte", "binary"),
        ("a.md", b" \n\t", "no text"),
        ("a.pdf", b"%PDF-1.4 torn", "PDF"),
        ("a.pdf", b"", "PDF"),
        ("a.pdf", make_pdf([""]), "text layer"),
        ("a.png", b"\x89PNG", "'.md'|.md"),
        ("README", b"words", "without suffix"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_document(write(tmp_path, name, content), source=name)


def test_a_vanished_file_is_unreadable_and_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="cannot be opened"):
        read_document(tmp_path / "gone.md", source="gone.md")
