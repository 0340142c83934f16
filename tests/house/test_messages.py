"""No behaviour hangs on a sentence: no code compares or searches a text that people read.

What a program must know of a text is a field of its own: an error's class, a fault's `kind`, a
record's `failed_because`.
"""

import ast
from collections.abc import Iterator, Mapping

#: Attributes that hold texts for people; and what is made of an exception by `str`.
_TEXTS = frozenset({"message", "what", "why", "said", "got", "detail", "meaning", "todo", "text"})

#: Methods that look for something in a text, or cut it.
_SEARCHES = frozenset(
    {
        *("startswith", "endswith", "removeprefix", "removesuffix", "replace", "count"),
        *("find", "rfind", "index", "rindex", "partition", "rpartition", "split", "rsplit"),
    }
)

#: What searches a text by a pattern, be it a function of `re` or a method of a pattern.
_PATTERNS = frozenset({"findall", "finditer", "fullmatch", "match", "search", "split", "sub"})

#: Where that is right, and why.
ALLOWED = {
    "ops/cli/schedule_output.py: _outcome": "a table shows the first line of it",
    "ops/cli/console.py: render": "whether any character of it would act on a terminal",
    "ops/cli/sync_output.py: _print_faults": "equal texts are shown once",
    "producers/oneroster/applying/sync.py: grouped": "equal texts are told once",
    "producers/retry/assess.py: in_words": "says once what ClassIn and the code's meaning both say",
    "worker/config/toml_file.py: read_toml": "tomllib tells the place in its text alone",
    "worker/ledger/redis_errors.py: error_code": "Redis's protocol: a reply begins with its code",
}


class _Finder(ast.NodeVisitor):
    """Finds where texts are compared or searched, by the function in which that is done."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._functions: list[str] = []
        self._errors: set[str] = set()
        self._texts: set[str] = set()

    def _is_text(self, node: ast.expr | None) -> bool:
        """Say whether an expression is such a text."""
        match node:
            case ast.Attribute(attr=name):
                return name in _TEXTS
            case ast.Name(id=name):
                return name in self._texts
            case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]):
                return name in self._errors
            case ast.BoolOp(values=values):
                return any(map(self._is_text, values))
            case ast.Call(func=ast.Attribute(value=value, attr="lower" | "strip" | "casefold")):
                return self._is_text(value)
        return False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # as ast has it
        """Look into a function, whose names are its own."""
        outer = self._errors, self._texts
        annotated = {
            each.arg
            for each in (*node.args.args, *node.args.kwonlyargs)
            if each.annotation is not None and ast.unparse(each.annotation).endswith("Error")
        }
        self._errors, self._texts = outer[0] | annotated, set(outer[1])
        self._functions.append(node.name)
        self.generic_visit(node)
        self._functions.pop()
        self._errors, self._texts = outer

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:  # as ast has it
        """Learn the name of an exception."""
        if node.name:
            self._errors.add(node.name)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:  # as ast has it
        """Learn the name of a text."""
        if self._is_text(node.value):
            self._texts |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:  # as ast has it
        """Find texts that are compared with others, or looked for in them."""
        sides = [node.left, *node.comparators]
        says_nothing = any(isinstance(each, ast.Constant) and not each.value for each in sides)
        if not says_nothing and any(map(self._is_text, sides)):
            self._note()
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:  # as ast has it
        """Find texts that are searched or cut, and counted by what they say."""
        function = node.func
        if isinstance(function, ast.Attribute):
            folds_blanks = function.attr == "split" and not node.args
            searched = function.attr in _SEARCHES and not folds_blanks
            searched = searched and self._is_text(function.value)
            matched = function.attr in _PATTERNS and any(map(self._is_text, node.args))
            if searched or matched:
                self._note()
        elif isinstance(function, ast.Name) and function.id in {"Counter", "set", "groupby"}:
            parts = [part for each in node.args for part in _keys(each)]
            if any(map(self._is_text, parts)):
                self._note()
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:  # as ast has it
        """Find what is grouped by texts."""
        if any(map(self._is_text, _parts(node.slice))):
            self._note()
        self.generic_visit(node)

    def visit_Match(self, node: ast.Match) -> None:  # as ast has it
        """Find texts that decide between cases."""
        if any(map(self._is_text, _parts(node.subject))):
            self._note()
        self.generic_visit(node)

    def _note(self) -> None:
        self.found.append(self._functions[-1] if self._functions else "(module)")


def _keys(node: ast.expr) -> Iterator[ast.expr]:
    """Give what a generator that is counted counts by."""
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        yield from _parts(node.elt)


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    yield from node.elts if isinstance(node, ast.Tuple) else [node]


def _found_in(tree: ast.Module) -> list[str]:
    finder = _Finder()
    finder.visit(tree)
    return finder.found


def test_no_text_for_people_is_compared_or_searched(sources: Mapping[str, ast.Module]) -> None:
    """Where one is, the list above says why; and nothing stands there in vain."""
    found = {f"{path}: {name}" for path, tree in sources.items() for name in _found_in(tree)}
    assert found == ALLOWED.keys()


def test_no_script_reads_a_message(scripts: Mapping[str, str]) -> None:
    """They write what people read of a record, and decide by its other fields."""
    assert [name for name, text in scripts.items() if "record.message" in text] == []


def test_what_is_looked_for_is_found() -> None:
    """Each of these reads a sentence; the last two only ask whether there is one."""
    source = """
def compares(record):
    return record.message == "no course"
def looks_into(error: ClassinError):
    return "no course" in str(error)
def cuts(fault):
    return fault.what.partition("; ")[0]
def matches(record):
    text = record.message or ""
    return re.fullmatch("(.*) failed", text)
def counts(faults):
    return Counter((each.file, each.what) for each in faults)
def groups(groups, prospect):
    groups[prospect.id, prospect.why] += 1
def decides(error):
    match error.said:
        case "gone": return True
def asks(record):
    return record.message is not None and record.message != ""
def shows(error: ClassinError):
    return f"{error.what}: {error}"
"""
    found = _found_in(ast.parse(source))
    assert found == ["compares", "looks_into", "cuts", "matches", "counts", "groups", "decides"]
