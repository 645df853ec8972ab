"""A live notebook's shell, as the tests of the magics have it."""

from __future__ import annotations

from tests.kernel_magics.conftest import shell as shell
