"""The cloud drive. Ids come back as text, as ClassIn sends them."""

from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.state.drive import Folder
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.cloud import (
    CreateFolder,
    DelFile,
    DelFolder,
    GetCloudList,
    GetFolderList,
    GetTopFolderId,
    RenameFile,
    RenameFolder,
    UploadFile,
)

#: Maximum levels below the root, and maximum folders.
DEEPEST = 15
MOST_FOLDERS = 5000


@answers(GetTopFolderId)
def get_top_folder_id(institution: Institution, operation: GetTopFolderId, now: float) -> Answer:
    """Return the id of the root folder."""
    del operation, now
    return Answer(Code.OK, str(institution.drive.top.folder_id))


@answers(GetFolderList)
def get_folder_list(institution: Institution, operation: GetFolderList, now: float) -> Answer:
    """List the folders of the first level, each with its direct subfolders."""
    del operation, now
    drive = institution.drive
    first = drive.children(drive.top)
    lists = {str(folder.folder_id): list(map(_below, drive.children(folder))) for folder in first}
    return Answer(Code.OK, lists) if lists else Answer(Code.NO_DATA)


@answers(GetCloudList)
def get_cloud_list(institution: Institution, operation: GetCloudList, now: float) -> Answer:
    """List a folder's direct content; by default the root's."""
    del now
    drive = institution.drive
    wanted = drive.top.folder_id if operation.folder_id is None else operation.folder_id
    folder = drive.find(wanted)
    if folder is None:
        return _no_such_folder(institution, wanted)
    lists = {
        "folder_list": [
            {
                "folder_id": str(child.folder_id),
                "folder_name": child.folder_name,
                "is_system_folder": 0,
            }
            for child in drive.children(folder)
        ],
        "file_list": [
            {
                "id": str(file.file_id),
                "file_name": file.file_name,
                "file_size": f"{-(-file.file_size // 1024)}KB",
            }
            for file in drive.contents(folder)
        ],
    }
    return Answer(Code.OK, beside=lists)


@answers(CreateFolder)
def create_folder(institution: Institution, operation: CreateFolder, now: float) -> Answer:
    """Create a folder, unless its parent has one of that name."""
    del now
    drive = institution.drive
    parent = drive.find(operation.folder_id)
    if parent is None:
        return _no_such_folder(institution, operation.folder_id)
    if holder := drive.named(parent.folder_id, operation.folder_name):
        return Answer(Code.FOLDER_NAME_TAKEN, str(holder.folder_id))
    if drive.level(parent) >= DEEPEST:
        return Answer(Code.FOLDERS_TOO_DEEP)
    if len(drive) >= MOST_FOLDERS:
        return Answer(Code.TOO_MANY_FOLDERS)
    return Answer(Code.OK, str(drive.add(parent, operation.folder_name).folder_id))


@answers(RenameFolder)
def rename_folder(institution: Institution, operation: RenameFolder, now: float) -> Answer:
    """Rename a folder; its own name counts as taken."""
    del now
    drive = institution.drive
    folder = drive.find(operation.folder_id)
    if folder is None:
        return _no_such_folder(institution, operation.folder_id)
    if folder.parent_id is None:
        return Answer(Code.FOLDER_FORBIDS)
    if holder := drive.named(folder.parent_id, operation.folder_name):
        return Answer(Code.FOLDER_NAME_TAKEN, str(holder.folder_id))
    drive.rename(folder, operation.folder_name)
    return Answer(Code.OK)


@answers(DelFolder)
def del_folder(institution: Institution, operation: DelFolder, now: float) -> Answer:
    """Delete a folder with its content, but not the root."""
    del now
    folder = institution.drive.find(operation.folder_id)
    if folder is None:
        return _no_such_folder(institution, operation.folder_id)
    if folder.parent_id is None:
        return Answer(Code.FOLDER_FORBIDS)
    institution.drive.delete(folder)
    return Answer(Code.OK)


@answers(UploadFile)
def upload_file(institution: Institution, operation: UploadFile, now: float) -> Answer:
    """Store a file in a folder, names may repeat; only size and digest are kept."""
    del now
    folder = institution.drive.find(operation.folder_id)
    if folder is None:
        return _no_such_folder(institution, operation.folder_id)
    told = operation.filedata.summary()
    file = institution.drive.add_file(
        folder, str(told["name"]), int(str(told["bytes"])), str(told["sha256"])
    )
    return Answer(Code.OK, str(file.file_id))


@answers(RenameFile)
def rename_file(institution: Institution, operation: RenameFile, now: float) -> Answer:
    """Rename a file, unless another one of its folder has that name."""
    del now
    drive = institution.drive
    file = drive.find_file(operation.file_id)
    if file is None:
        return _no_such_file(institution, operation.file_id)
    others = [one for one in drive.contents(drive.folder_of(file)) if one != file]
    if any(one.file_name == operation.file_name for one in others):
        return Answer(Code.FILE_NAME_TAKEN)
    drive.rename_file(file, operation.file_name)
    return Answer(Code.OK)


@answers(DelFile)
def del_file(institution: Institution, operation: DelFile, now: float) -> Answer:
    """Delete a file."""
    del now
    file = institution.drive.find_file(operation.file_id)
    if file is None:
        return _no_such_file(institution, operation.file_id)
    institution.drive.delete_file(file)
    return Answer(Code.OK)


def _below(folder: Folder) -> dict[str, str]:
    parent_id, folder_id = str(folder.parent_id), str(folder.folder_id)
    return {"id": folder_id, "pid": parent_id, "name": folder.folder_name}


def _no_such_folder(institution: Institution, folder_id: int) -> Answer:
    foreign = institution.elsewhere(lambda other: folder_id in other.drive)
    return Answer(Code.FOREIGN_FOLDER if foreign else Code.NO_SUCH_FOLDER)


def _no_such_file(institution: Institution, file_id: int) -> Answer:
    foreign = institution.elsewhere(lambda other: other.drive.find_file(file_id) is not None)
    return Answer(Code.FOREIGN_FILE if foreign else Code.NO_SUCH_FILE)
