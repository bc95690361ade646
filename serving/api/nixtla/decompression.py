"""Decompression of request bodies by Zstandard, with a limit on their size."""

import zstandard

from serving.errors import BodyTooLarge, RequestError

MAX_WINDOW_BYTES = 8 * 1024 * 1024  # memory of the decompressor


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Decompress a body.

    Args:
        body: body of the request.
        encoding: value of the header ``Content-Encoding``.
        max_bytes: maximum size of the decompressed body.

    Raises:
        BodyTooLarge: the body has more bytes; decompression stops at the maximum.
        RequestError: the encoding is not supported, or the bytes are invalid.
    """
    name = encoding.strip().lower()
    if name == "identity":
        return body
    loc = ("header", "content-encoding")
    if name != "zstd":
        raise RequestError([(loc, f"zstd or none; found {encoding[:50]!r}")])
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    try:
        with decompressor.stream_reader(body, read_across_frames=True) as reader:
            plain = reader.read(max_bytes + 1)
    except zstandard.ZstdError:
        message = "the body cannot be unpacked by Zstandard: send it whole"
        raise RequestError([(loc, message)]) from None
    if len(plain) > max_bytes:
        raise BodyTooLarge(max_bytes)
    return plain
