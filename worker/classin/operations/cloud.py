"""The cloud drive: folders and files."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from worker.classin.endpoint import v1
from worker.classin.field_types import Chars, FileId, FolderId, Upload
from worker.classin.operation import Idempotency, Operation
from worker.classin.verdicts import Verdict

if TYPE_CHECKING:
    from worker.classin.response import Reply

FileName = Annotated[str, Chars(1, 128)]
FolderName = Annotated[str, Chars(1, 128)]


#: As the table of codes names it; to submit does not need the table.
_FOLDER_NAME_TAKEN = 206


class GetFolderList(
    Operation,
    endpoint=v1("cloud", "getFolderList"),
    idempotency=Idempotency.READ_ONLY,
    codes=(1, 100, 102, 106),
):
    """List the folders of the first two levels.

    Source: cloud/getFolderList
    """


class GetCloudList(
    Operation,
    endpoint=v1("cloud", "getCloudList"),
    idempotency=Idempotency.READ_ONLY,
    codes=(1, 100, 102, 193, 194),
):
    """List the folders and files in a folder.

    Tells whether an upload, a renaming or a deletion took effect.
    Source: cloud/getCloudList
    """

    folder_id: FolderId | None = Field(default=None, description="left out: the top folder")


class GetTopFolderId(
    Operation,
    endpoint=v1("cloud", "getTopFolderId"),
    idempotency=Idempotency.READ_ONLY,
    codes=(1, 100, 102, 106),
):
    """Get the id of the top folder.

    Changes nothing, except that the first call ever sets up the institution's drive.
    Source: cloud/getTopFolderId
    """


class UploadFile(
    Operation,
    endpoint=v1("cloud", "uploadFile"),
    idempotency=Idempotency.UNSAFE,
    lane="folder_id",
    codes=(1, 100, 102, 104, 193, 194, 195, 196, 197, 211, 31000),
):
    """Upload a file to a folder of the cloud drive.

    Equal names do not clash: a repeat may store the file twice. get_cloud_list tells whether the
    first upload arrived.
    Source: cloud/uploadFile
    """

    folder_id: FolderId
    filedata: Annotated[Upload, Field(alias="Filedata", description="the file")]


class RenameFile(
    Operation,
    endpoint=v1("cloud", "renameFile"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="file_id",
    codes=(1, 100, 102, 104, 198, 199, 200),
):
    """Rename a file of the cloud drive.

    Source: cloud/renameFile
    """

    file_id: FileId
    file_name: FileName


class DelFile(
    Operation,
    endpoint=v1("cloud", "delFile"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="file_id",
    codes=(1, 100, 102, 104, 198, 199),
    already=[198],
):
    """Delete a file of the cloud drive.

    Source: cloud/delFile
    """

    file_id: FileId


class CreateFolder(
    Operation,
    endpoint=v1("cloud", "createFolder"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="folder_id",
    codes=(1, 100, 102, 104, 193, 194, 196, 206, 207, 208),
    already=[206],
):
    """Create a folder in the cloud drive.

    A repeat answers 206 with the folder's id. At most 5,000 folders, 15 levels deep.
    Source: cloud/createFolder
    """

    folder_id: FolderId = Field(description="the parent folder")
    folder_name: FolderName


class RenameFolder(
    Operation,
    endpoint=v1("cloud", "renameFolder"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="folder_id",
    codes=(1, 100, 102, 104, 193, 194, 196, 206),
    peculiar={206: "done if the folder itself has the name"},
):
    """Rename a folder of the cloud drive.

    One that has the name already answers 206 with its own id, and that is done; with the id of
    another folder it is refused.
    Source: cloud/renameFolder
    """

    folder_id: FolderId
    folder_name: FolderName

    def judged(self, reply: "Reply") -> Verdict | None:
        """Take 206 for done when the folder that has the name is this very one."""
        holder = (reply.result or {}).get("data")
        if reply.code == _FOLDER_NAME_TAKEN and str(holder) == str(self.folder_id):
            return Verdict.DONE
        return None


class DelFolder(
    Operation,
    endpoint=v1("cloud", "delFolder"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="folder_id",
    codes=(1, 100, 102, 104, 193, 194, 196),
    already=[193],
):
    """Delete a folder of the cloud drive with all that is in it.

    Source: cloud/delFolder
    """

    folder_id: FolderId
