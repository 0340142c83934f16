"""Cloud drive of one school: a tree of folders, with files."""

from collections.abc import Callable, Iterable

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Held(BaseModel):
    """An immutable entity of ClassIn, under ClassIn's names."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    def to_dict(self) -> dict[str, object]:
        """Return it under ClassIn's names."""
        return self.model_dump(mode="json", by_alias=True)


class Folder(Held):
    """A folder; only the root has no parent."""

    folder_id: int
    folder_name: str
    parent_id: int | None = None


class StoredFile(Held):
    """A file in a folder; of its content only size and digest are kept."""

    file_id: int
    folder_id: int
    file_name: str
    #: In bytes.
    file_size: int
    sha256: str


class Drive:
    """All folders and files of one school, in order of creation."""

    def __init__(
        self,
        folders: Iterable[Folder],
        new_id: Callable[[], int],
        files: Iterable[StoredFile] = (),
        new_file_id: Callable[[], int] | None = None,
    ) -> None:
        """Take the initial folders, parents first, the root first of all."""
        self._folders: dict[int, Folder] = {}
        self._names: dict[tuple[int | None, str], int] = {}
        self._files: dict[int, StoredFile] = {}
        self._children: dict[int, dict[int, None]] = {}
        self._contents: dict[int, dict[int, None]] = {}
        self._new_id = new_id
        self._new_file_id = new_file_id or new_id
        for folder in folders:
            self._keep(folder)
        for file in files:
            self._store(file)
        self.top = next(iter(self._folders.values()))

    def __contains__(self, folder_id: int) -> bool:
        return folder_id in self._folders

    def __len__(self) -> int:
        """Return the number of folders below the root."""
        return len(self._folders) - 1

    @property
    def folders(self) -> tuple[Folder, ...]:
        """All folders, the root first."""
        return tuple(self._folders.values())

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All files."""
        return tuple(self._files.values())

    def find(self, folder_id: int) -> Folder | None:
        """Return a folder by id."""
        return self._folders.get(folder_id)

    def named(self, parent_id: int | None, name: str) -> Folder | None:
        """Return the folder of this name below this parent."""
        folder_id = self._names.get((parent_id, name))
        return None if folder_id is None else self._folders[folder_id]

    def level(self, folder: Folder) -> int:
        """Return a folder's depth below the root, which is level 0."""
        level = 0
        while folder.parent_id is not None:
            folder = self._folders[folder.parent_id]
            level += 1
        return level

    def add(self, parent: Folder, name: str) -> Folder:
        """Create a folder below another."""
        return self._keep(
            Folder(folder_id=self._new_id(), folder_name=name, parent_id=parent.folder_id)
        )

    def rename(self, folder: Folder, name: str) -> Folder:
        """Rename a folder."""
        del self._names[folder.parent_id, folder.folder_name]
        return self._keep(folder.model_copy(update={"folder_name": name}))

    def delete(self, folder: Folder) -> None:
        """Delete a folder with its content."""
        for child in self.children(folder):
            self.delete(child)
        for file in self.contents(folder):
            self.delete_file(file)
        del self._folders[folder.folder_id]
        del self._names[folder.parent_id, folder.folder_name]
        if folder.parent_id is not None:
            del self._children[folder.parent_id][folder.folder_id]

    def children(self, folder: Folder) -> list[Folder]:
        """Return a folder's direct subfolders."""
        return [self._folders[folder_id] for folder_id in self._children.get(folder.folder_id, ())]

    def contents(self, folder: Folder) -> list[StoredFile]:
        """Return the files directly in a folder."""
        return [self._files[file_id] for file_id in self._contents.get(folder.folder_id, ())]

    def find_file(self, file_id: int) -> StoredFile | None:
        """Return a file by id."""
        return self._files.get(file_id)

    def folder_of(self, file: StoredFile) -> Folder:
        """Return a file's folder."""
        return self._folders[file.folder_id]

    def add_file(self, folder: Folder, name: str, size: int, sha256: str) -> StoredFile:
        """Add a file to a folder, where others may have the same name."""
        return self._store(
            StoredFile(
                file_id=self._new_file_id(),
                folder_id=folder.folder_id,
                file_name=name,
                file_size=size,
                sha256=sha256,
            )
        )

    def rename_file(self, file: StoredFile, name: str) -> StoredFile:
        """Rename a file."""
        return self._store(file.model_copy(update={"file_name": name}))

    def delete_file(self, file: StoredFile) -> None:
        """Delete a file."""
        del self._files[file.file_id]
        del self._contents[file.folder_id][file.file_id]

    def _store(self, file: StoredFile) -> StoredFile:
        self._files[file.file_id] = file
        self._contents.setdefault(file.folder_id, {})[file.file_id] = None
        return file

    def _keep(self, folder: Folder) -> Folder:
        self._folders[folder.folder_id] = folder
        self._names[folder.parent_id, folder.folder_name] = folder.folder_id
        if folder.parent_id is not None:
            self._children.setdefault(folder.parent_id, {})[folder.folder_id] = None
        return folder
