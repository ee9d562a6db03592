"""The embedded job backend: the job API over HTTP, kept in SQLite."""

from . import catalogue as catalogue
from .database import StoreError as StoreError
from .embedded import EmbeddedBackend as EmbeddedBackend
from .work import Terms as Terms
