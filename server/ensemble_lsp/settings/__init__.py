"""Settings: one schema, layers of raw options resolved into it, and the user's config file.

``schema`` has the tables. ``resolve`` turns raw layers into ``Settings`` and ``SettingsIssue``s, ``shape`` unwraps
what clients send, ``trust`` limits untrusted layers, ``messages`` puts issues into words, ``config_file`` reads and
writes the config file, and ``permissions`` checks who can write it.
"""

from .config_file import (
    add_model_to_config,
    config_stamp,
    default_config_path,
    default_data_dir,
    read_config,
    remove_model_from_config,
    unreadable_config,
)
from .messages import SettingsIssue
from .permissions import writable_by_others
from .resolve import Raw, merge, resolve, resolve_strict
from .schema import (
    CompleteSettings,
    EnsembleSettings,
    ExplainSettings,
    HistorySettings,
    ModelSettings,
    PrivacySettings,
    SelectorSettings,
    Settings,
    json_schema,
)

__all__ = [
    "CompleteSettings",
    "EnsembleSettings",
    "ExplainSettings",
    "HistorySettings",
    "ModelSettings",
    "PrivacySettings",
    "Raw",
    "SelectorSettings",
    "Settings",
    "SettingsIssue",
    "add_model_to_config",
    "config_stamp",
    "default_config_path",
    "default_data_dir",
    "json_schema",
    "merge",
    "read_config",
    "remove_model_from_config",
    "resolve",
    "resolve_strict",
    "unreadable_config",
    "writable_by_others",
]
