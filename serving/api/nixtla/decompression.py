"""The bytes of a request: plain, or compressed by Zstandard; bounded either way."""

import zstandard

from serving.errors import BodyTooLarge, RequestError

WINDOW = 8 * 1024 * 1024  # bytes that a decompressor may have to remember


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """Return a body as it was before it was compressed.

    Args:
        body: as it came.
        encoding: the header ``Content-Encoding``.
        most: bytes that it may have, unpacked.

    Raises:
        BodyTooLarge: it has more; no more than that is unpacked to find out.
        RequestError: the encoding is another, or the bytes are not of it.
    """
    kind = encoding.strip().lower()
    if kind == "identity":
        return body
    loc = ("header", "content-encoding")
    if kind != "zstd":
        raise RequestError([(loc, f"zstd or none; found {encoding[:50]!r}")])
    decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    try:
        with decompressor.stream_reader(body, read_across_frames=True) as reader:
            plain = reader.read(most + 1)
    except zstandard.ZstdError:
        message = "the body cannot be unpacked by Zstandard: send it whole"
        raise RequestError([(loc, message)]) from None
    if len(plain) > most:
        raise BodyTooLarge(most)
    return plain
