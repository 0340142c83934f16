"""The cloud drive. Folder ids come back as text, as ClassIn sends them."""

from ops.simulator.answers.registry import Answer, answers
from ops.simulator.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.cloud import CreateFolder, GetTopFolderId, RenameFolder

#: Levels below the top folder, and folders in all.
DEEPEST = 15
MOST_FOLDERS = 5000


@answers(GetTopFolderId)
def get_top_folder_id(institution: Institution, operation: GetTopFolderId, now: float) -> Answer:
    """Tell the id of the top folder."""
    del operation, now
    return Answer(Code.OK, str(institution.drive.top.folder_id))


@answers(CreateFolder)
def create_folder(institution: Institution, operation: CreateFolder, now: float) -> Answer:
    """Make a folder, unless its parent has one of that name."""
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
    """Rename a folder; the name that it has already is taken, by itself."""
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


def _no_such_folder(institution: Institution, folder_id: int) -> Answer:
    foreign = institution.elsewhere(lambda other: folder_id in other.drive)
    return Answer(Code.FOREIGN_FOLDER if foreign else Code.NO_SUCH_FOLDER)
