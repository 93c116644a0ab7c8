"""Changes to the params.yaml of a test's project, which is the working directory."""

import yaml

from src.core import paths


def set_params(section: str | None = None, **values: object) -> None:
    """Set values of a section, or of the top level."""
    params = yaml.safe_load(paths.PARAMS.read_text())
    (params[section] if section else params).update(values)
    paths.PARAMS.write_text(yaml.safe_dump(params, sort_keys=False))
