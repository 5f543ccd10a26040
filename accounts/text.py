"""Text that people may not be shown."""

INVISIBLE = {
    *range(0x200B, 0x2010),  # zero-width, and left-to-right marks
    *range(0x202A, 0x202F),  # embeddings and overrides
    *range(0x2060, 0x2070),  # word joiner, isolates
    0x061C,
    0xFEFF,
    0x00AD,
    0x180E,
}


def has_invisible_characters(text: str) -> bool:
    """Say whether a text holds control, zero-width or direction characters."""
    return any(
        ord(char) in INVISIBLE or ord(char) < 32 or ord(char) == 127 for char in text
    )
