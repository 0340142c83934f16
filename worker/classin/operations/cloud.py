"""The cloud drive: folders and files."""

from typing import Annotated

from pydantic import Field

from worker.classin.call import v1
from worker.classin.codes import Code
from worker.classin.fields import Chars, FolderId
from worker.classin.operation import Operation, Repeat
from worker.classin.reply import Reply
from worker.classin.verdicts import Verdict

FolderName = Annotated[str, Chars(1, 128)]


class GetTopFolderId(
    Operation,
    call=v1("cloud", "getTopFolderId"),
    repeat=Repeat.READS,
    codes=(1, 100, 102, 106),
):
    """Get the id of the top folder.

    Changes nothing, except that the first call ever sets up the institution's drive.
    Source: cloud/getTopFolderId
    """


class CreateFolder(
    Operation,
    call=v1("cloud", "createFolder"),
    repeat=Repeat.RECONCILES,
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
    call=v1("cloud", "renameFolder"),
    repeat=Repeat.CONVERGES,
    lane="folder_id",
    codes=(1, 100, 102, 104, 193, 194, 196, 206),
):
    """Rename a folder of the cloud drive.

    Source: cloud/renameFolder
    """

    folder_id: FolderId
    folder_name: FolderName

    def judged(self, reply: Reply) -> Verdict | None:
        """Take 206 for done when the folder that has the name is this very one."""
        holder = (reply.result or {}).get("data")
        if reply.code == Code.FOLDER_NAME_TAKEN and str(holder) == str(self.folder_id):
            return Verdict.DONE
        return None
