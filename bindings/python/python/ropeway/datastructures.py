"""HTTP header fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping

__all__ = ["Headers", "MultipleValuesError", "pairs_of"]


class MultipleValuesError(LookupError):
    """A field was asked for by `[]` that stands more than once."""


class Headers(MutableMapping[str, str]):
    """Header fields in order; names are compared without regard to case, and may stand more than once.

    `headers[name] = value` adds a field; `get_all(name)` lists its values; `raw_items()` all fields.
    """

    def __init__(self, fields: Headers | Mapping[str, str] | Iterable[tuple[str, str]] = (), **named: str) -> None:
        self._fields: list[tuple[str, str]] = []
        self.update(fields, **named)

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """All fields, in order."""
        return iter(self._fields)

    def get_all(self, key: str) -> list[str]:
        """All values of a field."""
        key = key.lower()
        return [value for name, value in self._fields if name.lower() == key]

    def copy(self) -> Headers:
        """A copy."""
        return Headers(self._fields)

    def clear(self) -> None:
        """Removes all fields."""
        self._fields.clear()

    def update(self, fields: Headers | Mapping[str, str] | Iterable[tuple[str, str]] = (), **named: str) -> None:  # type: ignore[override]
        """Adds fields."""
        self._fields += pairs_of(fields)
        self._fields += named.items()

    def __getitem__(self, key: str) -> str:
        values = self.get_all(key)
        if not values:
            raise KeyError(key)
        if len(values) > 1:
            raise MultipleValuesError(key)
        return values[0]

    def __setitem__(self, key: str, value: str) -> None:
        self._fields.append((key, value))

    def __delitem__(self, key: str) -> None:
        key = key.lower()
        self._fields = [field for field in self._fields if field[0].lower() != key]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(self.get_all(key))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name, _ in self._fields))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._fields})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return [(n.lower(), v) for n, v in self._fields] == [(n.lower(), v) for n, v in other._fields]

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"


def pairs_of(fields: Headers | Mapping[str, str] | Iterable[tuple[str, str]] | None) -> list[tuple[str, str]]:
    """Fields as pairs."""
    if fields is None:
        return []
    if isinstance(fields, Headers):
        return list(fields.raw_items())
    if isinstance(fields, Mapping):
        return list(fields.items())
    return list(fields)
