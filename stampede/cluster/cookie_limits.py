"""A limit of the cookies that a user keeps: the API may set another one with each answer.

Stock users keep all of them, and send them with each request.
"""

from __future__ import annotations

from http.cookiejar import Cookie, CookieJar

MOST_COOKIES = 200
"""Cookies of a user. Browsers keep 150 to 200 of a host."""

LONGEST_COOKIE = 8192
"""Characters of a name and a value. Browsers keep 4096."""


def limit_cookies() -> None:
    """Let users ignore cookies beyond the limits; those that they have can still change."""
    set_cookie = CookieJar.set_cookie

    def set_if_it_fits(jar: CookieJar, cookie: Cookie) -> None:
        if len(cookie.name) + len(cookie.value or "") > LONGEST_COOKIE:
            return
        known = jar._cookies.get(cookie.domain, {}).get(cookie.path, {})  # type: ignore[attr-defined]
        if cookie.name in known or len(jar) < MOST_COOKIES:
            set_cookie(jar, cookie)

    CookieJar.set_cookie = set_if_it_fits  # type: ignore[assignment,method-assign]
