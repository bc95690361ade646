"""Names of registry aliases: the default and the check."""

import re

from forecasting.errors import SettingError

CHAMPION = "champion"


def check_alias(alias: str) -> str:
    """Check the name of an alias and return it.

    Raises:
        SettingError: the registry refuses an alias of that name.
    """
    reserved = re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE)
    if reserved or not re.fullmatch(r"[A-Za-z][\w-]{0,99}", alias):
        expected = "a word of letters, digits, _ and -, but not 'latest' or like 'v1'"
        raise SettingError("alias", alias, expected)
    return alias
