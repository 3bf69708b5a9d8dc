"""HTML pages: hostile text stays text, nothing is fetched, receipts are linked both ways, everybody can read them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from html_pages import page
from report_accounts import ACCOUNT_KINDS, ACCOUNTS, HOSTILE, full, hostile, without
from report_charts import CHARTS, charted, fact, only

from customer_research.documents.formats import FORMATS, html_, render
from customer_research.documents.formats.markup import element, joined, safe
from customer_research.documents.present import Presenter
from customer_research.documents.site import Menu, Site
from customer_research.domain.report import FigureLine, Figures, Prose, Section, Table, Text
from customer_research.errors import RenderError
from customer_research.reports.kinds import KINDS

VOID = {"br", "hr", "img", "input", "link", "meta", "rect", "path", "line"}


class Reader(HTMLParser):
    """What a page is made of: tags with their attributes, words, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def of(kind: str, account: Any) -> str:
    return page(KINDS[kind].build(account))


# -- markup ------------------------------------------------------------------------------------------------------------


def test_markup_escapes_what_is_no_markup_already() -> None:
    inner = element("b", "<i>", title='"x"', hidden=True, lang=None)
    assert inner == '<b title="&quot;x&quot;" hidden>&lt;i&gt;</b>'
    assert element("p", inner, "&", class_="a") == f'<p class="a">{inner}&amp;</p>'
    assert joined("a", "", "<", by=" ") == "a &lt;"
    assert safe(inner) is inner
    assert element("br") == "<br>"


# -- the document ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_a_page_is_whole_and_the_same_each_time(kind: str, account: str) -> None:
    report = KINDS[kind].build(ACCOUNTS[account]())
    html = page(report)
    assert Reader(html).open == []
    assert render(report, "html") == html.encode()


def test_the_format_is_known() -> None:
    assert FORMATS["html"].suffixes == (".html", ".htm")


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_hostile_text_makes_no_element_attribute_or_foreign_link(kind: str) -> None:
    calm, wild = Reader(of(kind, full())), Reader(of(kind, hostile()))
    assert {tag for tag, _ in wild.tags} <= {tag for tag, _ in calm.tags} | {"bdi", "code", "span", "sup", "a"}
    assert not [tag for tag, _ in wild.tags if tag in {"script", "iframe", "img", "b", "object", "form"}]
    for _, attributes in wild.tags:
        assert not [name for name in attributes if name.startswith("on")]
        link = attributes.get("href") or "#"
        assert re.match(r"#|data:,$|https://(billing|crm|bi|notes)\.example\.com/", link), link


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_reads_as_it_was(name: str) -> None:
    report = replace(KINDS["profile"].build(full()), sections=(Section("Part", (Prose(HOSTILE[name]),), "part"),))
    shown = Presenter(report).text(HOSTILE[name])
    assert shown in Reader(page(report)).words


def test_a_page_forbids_scripts_and_anything_remote() -> None:
    html = page(charted())
    policy = next(
        tag["content"] for name, tag in Reader(html).tags if tag.get("http-equiv") == "Content-Security-Policy"
    )
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert " style=" not in html.replace(style[0], "")
    assert "url(" not in re.sub(r"url\(#[a-z0-9-]+\)", "", html)


def test_receipts_are_linked_both_ways() -> None:
    tags = Reader(page(charted())).tags
    names = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(names) == len(set(names))
    led = {str(attributes["href"])[1:] for _, attributes in tags if str(attributes.get("href", "")).startswith("#")}
    assert led <= set(names)
    receipts = [name for name in names if str(name).startswith("receipt-")]
    assert receipts
    backs = [attributes for _, attributes in tags if attributes.get("class") == "back"]
    assert {str(attributes["aria-label"]).rpartition(" ")[2] for attributes in backs} == {
        str(name).removeprefix("receipt-") for name in receipts
    }
    assert [name for name in names if str(name).startswith("use-") and name in led]


def test_tables_have_captions_and_scopes() -> None:
    tags = Reader(of("billing", full())).tags
    assert {attributes["scope"] for tag, attributes in tags if tag == "th"} == {"col", "row"}
    regions = [attributes for _, attributes in tags if attributes.get("role") == "region"]
    labels = [attributes["aria-label"] for attributes in regions]
    assert labels
    assert len(labels) == len(set(labels))
    assert all(attributes["tabindex"] == "0" for attributes in regions)


def test_a_missing_source_is_said_first() -> None:
    html = of("profile", without("lago"))
    assert "Partial data." in html
    assert 'href="#part-gaps"' in html
    assert "Partial data." not in of("profile", full())


def test_a_chart_is_a_drawing_with_its_sentence_its_figures_and_its_events() -> None:
    html = page(charted(CHARTS["history"]))
    words = " ".join(Reader(html).words)
    assert 'role="img" aria-label="It fell from 80 to 55."' in html
    assert "Invoice <b>failed</b>" in words
    assert words.count("not available (Lago)") >= 7
    assert "<details>" in html


def test_a_chart_without_marks_says_so() -> None:
    assert "There is nothing to draw." in page(charted(replace(CHARTS["bands"], marks=())))


def test_personal_data_is_masked_unless_asked_for() -> None:
    shown = html_.render(KINDS["profile"].build(full()), show_personal=True)
    masked = of("profile", full())
    assert "dana.roe@alder" in shown
    assert "dana.roe@alder" not in masked
    assert "Personal data is masked." in masked


def test_a_customers_page_has_no_score_and_no_query() -> None:
    html = page(replace(KINDS["profile"].build(full()), audience="customer"))
    assert "Health 66" not in html
    assert "GET /" not in html


def test_a_name_leads_to_the_page_written_with_it_and_shows_no_more_than_alone() -> None:
    rows = tuple((Text(words, operator=name, link="https://crm.example.com/1"),) for name, words in HOSTILE.items())
    mail = (Text("Dana Roe, dana.roe@alder.example", operator="mail"),)
    report = only(Table(("Operator",), (*rows, mail)))
    pages = {name: f"operators/{name}.html" for name in (*HOSTILE, "mail")}
    menu = Menu("Lists", (("Here", ""), ("There", "there.html")))
    alone, together = page(report), html_.render(report, site=Site((menu,), pages, searched=True))
    led = [attributes.get("href") for tag, attributes in Reader(together).tags if tag == "a"]
    assert [href for href in led if str(href).startswith("operators/")] == list(pages.values())
    assert "https://crm.example.com/1" not in led
    assert "operators/" not in alone
    assert "dana.roe@alder" not in alone + together
    more = {tag for tag, _ in Reader(together).tags} - {tag for tag, _ in Reader(alone).tags}
    assert more <= {"a", "input", "label", "li", "nav", "script", "strong", "ul"}
    script = together[together.index("<script>") + 8 : together.index("</script>")]
    assert script == html_.search_script()
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in together


def test_a_figure_without_a_receipt_is_refused() -> None:
    made = fact(3)
    report = charted(Figures((FigureLine("Trips", made),)))
    object.__setattr__(made, "basis", ())
    with pytest.raises(RenderError, match="no receipt"):
        page(report)
