"""Labels of one school."""

from collections.abc import Callable, Iterable

from ops.simulator.state.drive import Held


class Label(Held):
    """A label of courses and lessons."""

    label_id: int
    label_name: str


class Labels:
    """All labels of one school; names are unique."""

    def __init__(self, labels: Iterable[Label], new_id: Callable[[], int]) -> None:
        """Take the initial labels."""
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
        """All labels, in order of creation."""
        return tuple(self._labels.values())

    def named(self, name: str) -> Label | None:
        """Return a label by name."""
        label_id = self._ids.get(name)
        return None if label_id is None else self._labels[label_id]

    def add(self, name: str) -> Label:
        """Create a label."""
        return self._keep(Label(label_id=self._new_id(), label_name=name))

    def rename(self, label_id: int, name: str) -> Label:
        """Rename a label."""
        del self._ids[self._labels[label_id].label_name]
        return self._keep(Label(label_id=label_id, label_name=name))

    def delete(self, label_id: int) -> None:
        """Delete a label, which frees its name."""
        del self._ids[self._labels.pop(label_id).label_name]

    def _keep(self, label: Label) -> Label:
        self._labels[label.label_id] = label
        self._ids[label.label_name] = label.label_id
        return label
