"""What an alias of the registry may be called."""

import re

from forecasting.errors import SettingError

CHAMPION = "champion"


def check_alias(alias: str) -> str:
    """Return the name of an alias.

    Raises:
        SettingError: the registry takes no alias of that name.
    """
    reserved = re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE)
    if reserved or not re.fullmatch(r"[A-Za-z][\w-]{0,99}", alias):
        wanted = "a word of letters, digits, _ and -, but not 'latest' or like 'v1'"
        raise SettingError("alias", alias, wanted)
    return alias
