"""What the Python clients have in common."""


def expect(actual, expected):
    """Ends the program with an error if the values differ."""
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")
