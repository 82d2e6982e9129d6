"""Takes secrets out of what is shown."""

from __future__ import annotations

import re
from typing import Final

# A JSON Web Token: a header that begins like any JSON object in base64, claims, and a signature, which a cut text may lack.
_TOKEN: Final = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?")
_NAMED: Final = re.compile(r"(?i)\b(access_token|extended_token|client_secret|code)(=|\"?: ?\"?)[^\s&\"',}]{6,}")


def redacted(text: str) -> str:
    """Return a text without access tokens, and without what stands behind the names of secrets."""
    return _NAMED.sub(r"\1\2(hidden)", _TOKEN.sub("(token hidden)", text))
