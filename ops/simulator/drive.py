"""The cloud drive of one school: folders in a tree."""

from collections.abc import Callable, Iterable

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Held(BaseModel):
    """Something that ClassIn keeps, under ClassIn's names for it; a change makes a new one."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    def to_json(self) -> dict[str, object]:
        """Give it under ClassIn's names."""
        return self.model_dump(mode="json", by_alias=True)


class Folder(Held):
    """A folder; only the top one has no parent."""

    folder_id: int
    folder_name: str
    parent_id: int | None = None


class Drive:
    """All folders of one school, in the order in which they were made."""

    def __init__(self, folders: Iterable[Folder], new_id: Callable[[], int]) -> None:
        """Take the folders there are, every parent before its children, the top one first."""
        self._folders: dict[int, Folder] = {}
        self._names: dict[tuple[int | None, str], int] = {}
        self._new_id = new_id
        for folder in folders:
            self._keep(folder)
        self.top = next(iter(self._folders.values()))

    def __contains__(self, folder_id: int) -> bool:
        return folder_id in self._folders

    def __len__(self) -> int:
        """Count the folders below the top one."""
        return len(self._folders) - 1

    @property
    def folders(self) -> tuple[Folder, ...]:
        """Every folder, the top one first."""
        return tuple(self._folders.values())

    def find(self, folder_id: int) -> Folder | None:
        """Find a folder by its id."""
        return self._folders.get(folder_id)

    def named(self, parent_id: int | None, name: str) -> Folder | None:
        """Find the folder that has this name below this parent."""
        folder_id = self._names.get((parent_id, name))
        return None if folder_id is None else self._folders[folder_id]

    def level(self, folder: Folder) -> int:
        """Count how far a folder lies below the top one, which is level 0."""
        level = 0
        while folder.parent_id is not None:
            folder = self._folders[folder.parent_id]
            level += 1
        return level

    def add(self, parent: Folder, name: str) -> Folder:
        """Make a folder below another."""
        return self._keep(
            Folder(folder_id=self._new_id(), folder_name=name, parent_id=parent.folder_id)
        )

    def rename(self, folder: Folder, name: str) -> Folder:
        """Give a folder another name."""
        del self._names[folder.parent_id, folder.folder_name]
        return self._keep(folder.model_copy(update={"folder_name": name}))

    def _keep(self, folder: Folder) -> Folder:
        self._folders[folder.folder_id] = folder
        self._names[folder.parent_id, folder.folder_name] = folder.folder_id
        return folder
