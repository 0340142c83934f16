"""The key ring: who can write Redis, or this host's files, neither reads a key nor puts one in."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from tests.redis_server import SharedRedis
from worker.config.settings import from_env
from worker.errors import InvalidSettingsError
from worker.keyring import KeyRing, make_key_file
from worker.ledger.key_fingerprint import KeyFingerprint
from worker.ledger.keys import Keys

KEYS = Keys()


@pytest.fixture
def redis(server: SharedRedis) -> Redis:
    """A Redis that hosts share."""
    return server.client()


def _ring(path: Path, redis: Redis) -> KeyRing:
    return KeyRing(KeyFingerprint(path, redis).load)


def _refusal(path: Path, redis: Redis) -> str:
    with pytest.raises(InvalidSettingsError) as refused:
        KeyFingerprint(path, redis).load()
    (fault,) = refused.value.faults
    assert fault.where == "CLASSIN_KEYS"
    assert "\n" not in fault.what
    return fault.what


def test_redis_holds_nothing_of_the_key(tmp_path: Path, redis: Redis) -> None:
    """Whoever reads Redis finds a fingerprint, from which no MAC can be made."""
    path = tmp_path / "new" / "keys.json"
    mac = _ring(path, redis).mac("jobs", b"data")
    kept = str({name: redis.get(name) for name in redis.scan_iter()})
    secret = json.loads(path.read_text())["keys"]["k1"]
    assert redis.keys() == [KEYS.keyring]
    assert secret not in kept
    assert mac not in kept
    assert not KeyRing.in_memory().verify("jobs", b"data", mac)


def test_a_mac_of_one_purpose_opens_no_other(tmp_path: Path, redis: Redis) -> None:
    """Whoever has a MAC that Redis shows cannot use it elsewhere, nor change what it is of."""
    ring = _ring(tmp_path / "keys.json", redis)
    mac = ring.mac("jobs", b"data")
    assert ring.verify("jobs", b"data", mac)
    assert not ring.verify("api-keys", b"data", mac)
    assert not ring.verify("jobs", b"Data", mac)
    assert not ring.verify("jobs", b"data", "")
    assert not ring.verify("jobs", b"data", "\ud800é")


def test_the_file_that_is_made_is_readable_by_its_user_only(tmp_path: Path, redis: Redis) -> None:
    """Another user of this machine cannot read it, whatever the umask says."""
    path = tmp_path / "new" / "keys.json"
    before = os.umask(0)
    try:
        _ring(path, redis).open()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o700])
def test_a_key_file_that_others_may_reach_is_refused(
    mode: int, tmp_path: Path, redis: Redis
) -> None:
    """Another user of this machine could have read, or written, the keys."""
    path = tmp_path / "keys.json"
    make_key_file(path)
    path.chmod(mode)
    assert "chmod 600" in _refusal(path, redis)


def test_a_link_in_place_of_the_key_file_is_refused(tmp_path: Path, redis: Redis) -> None:
    """Whoever may write into the folder could lead it to a file of theirs."""
    real, link = tmp_path / "real.json", tmp_path / "keys.json"
    link.symlink_to(real)
    assert "is a link" in _refusal(link, redis)
    assert not real.exists()
    make_key_file(real)
    assert "is a link" in _refusal(link, redis)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_refused(tmp_path: Path, redis: Redis) -> None:
    """Another user would know what is in it."""
    path = tmp_path / "keys.json"
    make_key_file(path)
    os.chown(path, 65534, 65534)
    assert "belongs to user 65534" in _refusal(path, redis)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"primary": "k1", "keys": {}}',
        '{"primary": [], "keys": {}}',
        '{"primary": "k1", "keys": {"k1": "c2hvcnQ="}}',
        '{"primary": "k1", "keys": {"k1": 5}}',
        '{"primary": "k1", "keys": {"k1": "canary-text"}}',
        "[" * 60_000,
    ],
)
def test_a_broken_key_file_is_told_in_one_line(text: str, tmp_path: Path, redis: Redis) -> None:
    """A half-restored backup is no reason to go on without keys, nor to quote it."""
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)
    said = _refusal(path, redis)
    assert "is broken" in said
    assert "canary" not in said
    assert path.read_text() == text


def test_a_pipe_in_place_of_the_key_file_holds_nobody_up(tmp_path: Path, redis: Redis) -> None:
    """Whoever may write into the folder could let every command wait for ever."""
    path = tmp_path / "keys.json"
    os.mkfifo(path, 0o600)
    assert "is no file" in _refusal(path, redis)


def test_the_key_file_may_not_lie_where_redis_writes(tmp_path: Path) -> None:
    """Whoever may write Redis lets it write files into its folder."""
    (tmp_path / "link").symlink_to(tmp_path / "home")
    (tmp_path / "home").mkdir()
    for path in (tmp_path / "home" / "keys.json", tmp_path / "link" / "keys.json"):
        with pytest.raises(InvalidSettingsError, match="outside of CLASSIN_HOME"):
            from_env({"CLASSIN_HOME": str(tmp_path / "home"), "CLASSIN_KEYS": str(path)})


def test_a_host_without_the_key_file_is_told_to_copy_it(tmp_path: Path, redis: Redis) -> None:
    """A host that made its own ring would take no job of the others, and mark nothing alike."""
    _ring(tmp_path / "first.json", redis).open()
    assert "copy the key file of the first host" in _refusal(tmp_path / "second.json", redis)
    assert not (tmp_path / "second.json").exists()


def test_a_host_with_another_key_ring_is_told_to_copy_it(tmp_path: Path, redis: Redis) -> None:
    """Whoever writes another fingerprint into Redis stops hosts, and teaches them no key."""
    _ring(tmp_path / "first.json", redis).open()
    make_key_file(tmp_path / "second.json")
    assert "another key ring" in _refusal(tmp_path / "second.json", redis)
    redis.set(KEYS.keyring, "of-somebody-else")
    assert "another key ring" in _refusal(tmp_path / "first.json", redis)


def test_processes_that_begin_at_once_have_one_key_ring(tmp_path: Path, redis: Redis) -> None:
    """The first use of several processes at once leaves neither two rings nor half a file."""
    path = tmp_path / "keys.json"
    with ThreadPoolExecutor(8) as pool:
        macs = set(pool.map(lambda _: _ring(path, redis).mac("jobs", b""), range(8)))
    assert len(macs) == 1
    assert [*tmp_path.iterdir()] == [path]


def test_a_lost_key_ring_can_be_begun_anew(tmp_path: Path, redis: Redis) -> None:
    """Whoever lost it, or knows that it leaked, is not shut out for good."""
    _ring(tmp_path / "lost.json", redis).open()
    path = tmp_path / "keys.json"
    KeyFingerprint(path, redis).replace()
    _ring(path, redis).open()
