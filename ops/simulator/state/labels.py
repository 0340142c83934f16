"""The labels of one school."""

from collections.abc import Callable, Iterable

from ops.simulator.state.drive import Held


class Label(Held):
    """A label that courses and lessons can carry."""

    label_id: int
    label_name: str


class Labels:
    """All labels of one school; no two have the same name."""

    def __init__(self, labels: Iterable[Label], new_id: Callable[[], int]) -> None:
        """Take the labels there are."""
        self._labels: dict[int, Label] = {}
        self._ids: dict[str, int] = {}
        self._new_id = new_id
        for label in labels:
            self._keep(label)

    def __contains__(self, label_id: int) -> bool:
        return label_id in self._labels

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def all(self) -> tuple[Label, ...]:
        """Every label, in the order in which they were made."""
        return tuple(self._labels.values())

    def named(self, name: str) -> Label | None:
        """Find a label by its name."""
        label_id = self._ids.get(name)
        return None if label_id is None else self._labels[label_id]

    def add(self, name: str) -> Label:
        """Make a label."""
        return self._keep(Label(label_id=self._new_id(), label_name=name))

    def rename(self, label_id: int, name: str) -> Label:
        """Return a label another name."""
        del self._ids[self._labels[label_id].label_name]
        return self._keep(Label(label_id=label_id, label_name=name))

    def delete(self, label_id: int) -> None:
        """Take a label away, which frees its name."""
        del self._ids[self._labels.pop(label_id).label_name]

    def _keep(self, label: Label) -> Label:
        self._labels[label.label_id] = label
        self._ids[label.label_name] = label.label_id
        return label
