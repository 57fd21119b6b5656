"""What a page of the console must be like in every look, and what is found that is not so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console_browser import WEB, fits
from playwright.async_api import ConsoleMessage, Page

from agent_console.permissions import ROLES


@dataclass(frozen=True)
class Look:
    """A language, a theme and a width."""

    language: str
    theme: str
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"


NARROW, WIDE = 360, 1440
LOOKS = (
    Look("zh", "light", WIDE),
    Look("en", "dark", WIDE),
    Look("zh", "dark", NARROW),
    Look("en", "light", NARROW),
)
"""Every two of language, theme and width together at least once."""


def routed_pages() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Path and roles of each page, as the router has them."""
    text = (WEB / "src" / "lib" / "pages.ts").read_text()
    found = re.findall(
        r'name: "(\w+)",\s*path: "([^"]+)",.*?roles: (\[.*?\]|EVERYBODY),.*?load:', text, re.DOTALL
    )
    assert len(found) == text.count("load: () => import"), "the pattern misses a page"
    return {
        name: (path, ROLES if roles == "EVERYBODY" else tuple(re.findall(r'"(\w+)"', roles)))
        for name, path, roles in found
    }


def visits(roles: Sequence[str], looks: Sequence[Look] = LOOKS) -> list[tuple[str, Look]]:
    """Every role at least once and every look at least once, in as few visits as that takes."""
    count = max(len(roles), len(looks))
    return [(roles[at % len(roles)], looks[at % len(looks)]) for at in range(count)]


class Watched:
    """A browser's page, and what it complains about behind what is shown.

    Args:
        page: to be watched.
        expected: address parts of requests that may be refused.
    """

    def __init__(self, page: Page, expected: Sequence[str] = ()) -> None:
        self.page = page
        self._expected = expected
        self._heard: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._heard.append(f"script error: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        # A violation of the CSP is an error in the console too.
        where = message.location.get("url", "")
        if message.type in {"error", "warning"} and not any(e in where for e in self._expected):
            self._heard.append(f"console: {message.text} ({where})")

    def heard(self) -> list[str]:
        """What it has complained about since the last time."""
        heard, self._heard = self._heard, []
        return heard


async def dressed(page: Page, look: Look) -> None:
    """Give the browser a look; a page that is loaded from now on has it."""
    await page.set_viewport_size(
        {"width": look.width, "height": 740 if look.width == NARROW else 900}
    )
    await page.emulate_media(color_scheme="dark" if look.theme == "dark" else "light")
    # The language is the user's, wherever he logs in.
    await page.evaluate(_SPEAK, look.language)


async def findings(page: Page, look: Look, axe: str, names: Sequence[str] = ()) -> list[str]:
    """What is not as it should be on a page that is shown; `names` are of no language."""
    found = await page.evaluate(_PROBE, [look.language, list(names)])
    if not await fits(page):
        found.append(f"wider than {look.width} px: {await page.evaluate(_WIDEST)}")
    return [*found, *await _axe(page, axe)]


async def _axe(page: Page, axe: str) -> list[str]:
    # The page's own CSP allows no inline script, so axe is run in the debugger's world.
    await page.evaluate(axe)
    result: Mapping[str, Any] = await page.evaluate(_RUN_AXE)
    return [
        f"axe {one['id']}: {[node['html'][:140] for node in one['nodes'][:4]]}"
        for one in result["violations"]
    ]


async def tab_through(page: Page, most: int = 70) -> list[str]:
    """Press Tab from the top to the end, as far as `most`: what is wrong with where it leads."""
    await page.evaluate(_WATCH_FOCUS)
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await page.evaluate("window.__left"):
            break
    return list(await page.evaluate("window.__focus"))


_SPEAK = """language => fetch('/api/v1/me', {
    method: 'PATCH',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({language}),
}).then(answer => { if (!answer.ok) throw new Error(answer.status); })"""

_RUN_AXE = """axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
})"""

_WIDEST = """[...document.body.querySelectorAll('*')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 3).map(one => one.outerHTML.slice(0, 100))"""

_PROBE = r"""([language, names]) => {
    const named = new RegExp(`\\b(${names.join("|")})\\b`, 'g');
    const found = [];
    const h1 = [...document.querySelectorAll('h1')].filter(one => one.checkVisibility());
    if (h1.length !== 1 || !h1[0].textContent.trim()) found.push(`${h1.length} headings h1`);
    const title = document.title.replace(/^\(\d+\) /, '');
    if (!title.includes(h1[0]?.textContent.trim() ?? '?')) found.push(`title: ${title}`);
    if (document.documentElement.lang.slice(0, 2) !== language) found.push('lang of the page');
    if (document.querySelector('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])'))
        found.push('a tabindex above 0');
    const foreign = language === 'en'
        ? text => /\p{Script=Han}/u.test(text)
        // A word of the programs: `exit_key`, `kpi_offered`, `pending`; not `SL 80%` or `PJSIP`.
        : text => /[a-z]{3,}|_[a-z]/.test(text);
    const mark = language === 'en' ? '[lang|="zh"]' : '[lang|="en"], code, kbd, [translate="no"]';
    const check = (element, text, where) => {
        if (element.closest(mark) || element.localName === 'noscript') return;
        if (foreign(text.replace(named, '')))
            found.push(`untranslated ${where}: ${text.trim().slice(0, 60)}`);
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
        check(node.parentElement, node.data, 'text');
    for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
        for (const one of document.body.querySelectorAll(`[${name}]`))
            check(one, one.getAttribute(name), name);
    check(document.documentElement, title, 'title');
    return [...new Set(found)];
}"""

_WATCH_FOCUS = r"""() => {
    window.__focus = [];
    window.__left = false;
    const seen = new Set();
    document.activeElement?.blur();
    const tell = (one, what) =>
        window.__focus.push(`${what}: ${one.outerHTML.replace(/\s+/g, ' ').slice(0, 110)}`);
    let before = null;
    document.addEventListener('focusin', ({target: one}) => {
        if (seen.has(one)) return void (window.__left = true);
        seen.add(one);
        const style = getComputedStyle(one);
        const box = one.getBoundingClientRect();
        if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2)
            tell(one, 'focus is not seen');
        if (!one.checkVisibility({visibilityProperty: true}) || box.width < 2 || box.height < 2)
            tell(one, 'focus on what is not shown');
        const follows = Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINED_BY;
        if (before && !(before.compareDocumentPosition(one) & follows))
            tell(one, 'focus jumps back');
        before = one;
    });
    document.addEventListener('focusout', ({relatedTarget}) => {
        if (!relatedTarget && seen.size) window.__left = true;
    });
}"""
