"""How long something takes, in words."""


def text(seconds: float) -> str:
    """Return seconds as `9 s`, `2 min 05 s` or `3 h 20 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
