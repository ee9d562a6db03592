"""Whatever arrives is read, or is a clear error."""

from contextlib import suppress
from decimal import Decimal
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.boinc import BoincError, BoincFault, markup
from custom_components.qheat.compute.boinc.markup import (
    MAX_REPLY_BYTES,
    MAX_TEXT,
    flag_of,
    integer_of,
    number_of,
    parse,
    text_of,
)
from custom_components.qheat.compute.boinc.replies import (
    MAX_CORES,
    host_from,
    preferences_from,
    projects_from,
    status_from,
    tasks_from,
    version_from,
)

ANSWERED = "<hostid>0</hostid><min_rpc_time>1795548489.1</min_rpc_time>"
READERS = (host_from, preferences_from, projects_from, status_from, tasks_from, version_from)


def reply(body: str) -> bytes:
    return f"<boinc_gui_rpc_reply>\n{body}\n</boinc_gui_rpc_reply>\n".encode()


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for message in (data, b"<boinc_gui_rpc_reply>" + data, reply("") + data):
        with suppress(BoincError):
            parse(message)


LEAVES = st.one_of(
    st.text(max_size=12).map(lambda text: text.replace("<", "")),
    st.floats().map(str),
    st.integers().map(str),
)
TAGS = st.sampled_from(
    [
        "server_version",
        "major",
        "minor",
        "release",
        "host_info",
        "p_ncpus",
        "domain_name",
        "host_cpid",
        "cc_status",
        "task_mode",
        "task_mode_perm",
        "task_mode_delay",
        "gpu_mode",
        "task_suspend_reason",
        "results",
        "result",
        "name",
        "state",
        "active_task",
        "active_task_state",
        "scheduler_state",
        "resources",
        "projects",
        "project",
        "master_url",
        "hostid",
        "host_total_credit",
        "user_total_credit",
        "resource_share",
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", TAGS, st.lists(inner, max_size=6)
    ),
    max_leaves=30,
)


@given(st.lists(TREES, max_size=4))
def test_any_tree_of_known_tags_is_read_or_refused(trees: list[str]) -> None:
    try:
        root = parse(reply("".join(trees)))
    except BoincError:
        return
    for reader in READERS:
        with suppress(BoincError):
            reader(root)


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!ENTITY x "y">',
    ],
)
def test_a_document_type_is_refused_so_no_entity_is_ever_expanded(head: str) -> None:
    for message in (reply(head + "<name>&b;</name>"), head.encode() + reply("<name/>")):
        with pytest.raises(BoincError):
            parse(message)


def test_unknown_entities_are_text() -> None:
    assert text_of(parse(reply("<name>R&D &lt;lab&gt; &x;</name>")), "name") == "R&D <lab> &x;"


def test_what_a_project_wrote_unescaped_does_not_break_the_reply() -> None:
    root = parse(reply("<name>kept</name><gui_urls><a></b>&</gui_urls><x>1</x>"))
    assert text_of(root, "name") == "kept"
    assert number_of(root, "x", 0, 9) == 1


def test_a_name_escaped_byte_by_byte_is_mended() -> None:
    assert text_of(parse(reply("<name>Caf&#195;&#169; &#233;t</name>")), "name") != ""
    assert text_of(parse(reply("<name>Caf&#195;&#169;</name>")), "name") == "Café"
    assert text_of(parse(reply("<name>a\nb&#194;&#160;c</name>")), "name") == "a b c"


def test_bytes_that_are_no_utf8_and_control_characters_do_no_harm() -> None:
    message = b"<boinc_gui_rpc_reply><name>a\xff\x01b</name></boinc_gui_rpc_reply>"
    assert text_of(parse(message), "name") == "a\ufffdb"


def test_a_reply_cut_off_is_broken() -> None:
    with pytest.raises(BoincError) as caught:
        parse(reply("<results></results>")[:-25])
    assert caught.value.fault is BoincFault.BROKEN_REPLY


def test_another_server_is_told_from_a_client() -> None:
    for message in (b"HTTP/1.1 400 Bad Request\r\n", b"<html></html>", b"", b"SSH-2.0-x"):
        with pytest.raises(BoincError) as caught:
            parse(message)
        assert caught.value.fault is BoincFault.NOT_BOINC


def test_a_reply_of_thousands_of_tasks_is_read_wherever_it_is_cut_into_pieces() -> None:
    one = "<result><name>t\u00e2che &amp; \U0001f525</name></result>"
    root = parse(reply(f"<results>{one * 5000}</results>"))
    names = [node.findtext("name") for node in root.iter("result")]
    assert names == ["t\u00e2che & \U0001f525"] * 5000


def test_an_entity_is_one_wherever_a_reply_is_cut_into_pieces() -> None:
    mended = "&", "&", "\U0001f525", "&x;", "&amp"
    for told, text in zip(("&amp;", "&", "&#128293;", "&x;", "&amp"), mended, strict=True):
        for ahead in range(16):
            root = parse(reply(f"<a>{'.' * ahead}{told * 10_000}</a>"))
            assert root.findtext("a") == "." * ahead + text * 10_000


def test_only_tasks_and_projects_where_a_client_puts_them_are_read() -> None:
    nested = "<x><result></result></x><x><project></project></x>"
    root = parse(reply(f"<results>{nested}</results><projects>{nested}</projects>"))
    assert (tasks_from(root), projects_from(root)) == ((), ())


def test_preferences_of_a_hundred_thousand_names_cost_no_time() -> None:
    names = "".join(f"<p{n}>{n}</p{n}>" for n in range(100_000))
    body = f"<global_preferences>{names}<x>no</x><y/></global_preferences>"
    assert len(preferences_from(parse(reply(body)))) == 100_000


def test_foreign_parts_are_left_out_and_those_without_an_end_cost_no_time() -> None:
    part = "<gui_urls><a>&b<gui_urls></gui_urls>"
    root = parse(reply(f"<name>{part}x{part}y</name>"))
    assert text_of(root, "name") == "xy"
    with pytest.raises(BoincError):
        parse(reply("<gui_urls>" * 300_000))


def test_a_huge_reply_does_no_harm() -> None:
    with pytest.raises(BoincError):
        parse(reply("x" * MAX_REPLY_BYTES))
    assert len(text_of(parse(reply(f"<name>{'x' * 10_000}</name>")), "name")) == MAX_TEXT


@pytest.mark.parametrize("begin", ["<a>", "<a><b/>", "<a>/>", "<a><b></b>"])
def test_tags_deeper_than_a_stack_are_refused_however_they_are_mixed(begin: str) -> None:
    with pytest.raises(BoincError) as caught:
        parse(reply(begin * 20_000 + "</a>" * 20_000))
    assert caught.value.fault is BoincFault.BROKEN_REPLY


@pytest.mark.parametrize("inside", ["<b/>", "<b></b>", "</a><a>", "a/>"])
def test_tags_as_deep_as_a_client_nests_are_taken_however_many_there_are(inside: str) -> None:
    deep = "<a>" * 50 + inside * 50_000 + "</a>" * 50
    assert len(list(parse(reply(deep)).iter("a"))) >= 50


@pytest.mark.parametrize("inside", ["<b/>", "<b />", "<b></b>", "<b ></b\n>"])
def test_tags_are_counted_right_wherever_a_reply_is_cut_into_pieces(inside: str) -> None:
    with patch.object(markup, "_PIECE", 64):
        for ahead in range(len(inside)):
            root = parse(reply("." * ahead + inside * 5000))
            assert len(list(root)) == 5000


@pytest.mark.parametrize(
    "body",
    [
        f"<a {' '.join(f'b{n}=""' for n in range(350_000))}/>",
        "<a b='>'/>",
        "<a/>" * 300_000,
        f"<{'a' * 1000}/>",
        "<!-- -->",
        "<?a?>",
        "<![CDATA[]]>",
    ],
    ids=["attributes", "attribute", "tags", "name", "comment", "instruction", "data"],
)
def test_tags_that_no_client_sends_are_refused_before_they_hold_up_a_parser(body: str) -> None:
    with (
        patch.object(markup, "XMLParser", side_effect=AssertionError),
        pytest.raises(BoincError) as caught,
    ):
        parse(reply(body))
    assert caught.value.fault is BoincFault.BROKEN_REPLY


@pytest.mark.parametrize("text", ["nan", "-nan", "inf", "1e999", "", "many", "0x10"])
def test_a_number_that_is_none_is_unknown(text: str) -> None:
    root = parse(reply(f"<n>{text}</n>"))
    assert number_of(root, "n", 0, 10) is None
    with pytest.raises(BoincError):
        integer_of(root, "n", 0, 10)


def test_numbers_are_brought_into_range() -> None:
    assert number_of(parse(reply("<n>-5</n>")), "n", 0, 1) == 0
    assert number_of(parse(reply("<n>1e300</n>")), "n", 0, 1) == 1
    with pytest.raises(BoincError):
        integer_of(parse(reply("<n>1e300</n>")), "n", 0, 1)


def test_flags_come_empty_or_as_numbers() -> None:
    root = parse(reply("<a/><b>1</b><c>0</c>"))
    assert [flag_of(root, tag) for tag in "abcd"] == [True, True, False, False]


@pytest.mark.parametrize(
    ("told", "refuses"),
    [
        (ANSWERED, True),
        (f"{ANSWERED}<sched_rpc_pending>0</sched_rpc_pending>", True),
        (ANSWERED.replace("0", "7", 1), False),
        ("<hostid>0</hostid>", False),
        (f"{ANSWERED}<master_url_fetch_pending/>", False),
        (f"{ANSWERED}<scheduler_rpc_in_progress/>", False),
        (f"{ANSWERED}<sched_rpc_pending>3</sched_rpc_pending>", False),
        (f"{ANSWERED}<nrpc_failures>2</nrpc_failures>", False),
    ],
)
def test_a_project_refuses_a_machine_that_it_has_answered_and_given_no_number(
    told: str, refuses: bool
) -> None:
    body = f"<projects><project><master_url>http://a.org/</master_url>{told}</project></projects>"
    (project,) = projects_from(parse(reply(body)))
    assert project.refuses is refuses


@pytest.mark.parametrize(
    ("told", "account"),
    [
        ("<user_total_credit>70.5</user_total_credit>", Decimal("70.5")),
        ("<user_total_credit>70.5</user_total_credit><attached_via_acct_mgr/>", None),
        ("<user_total_credit>-1</user_total_credit>", None),
        ("", None),
    ],
)
def test_of_an_account_only_what_the_project_itself_tells_is_known(
    told: str, account: Decimal | None
) -> None:
    body = f"<projects><project><hostid>7</hostid>{told}</project></projects>"
    (project,) = projects_from(parse(reply(body)))
    assert project.account == account


@pytest.mark.parametrize(
    ("told", "cores"),
    [
        ("2 CPUs", 2.0),
        ("0.979 CPUs + 1 NVIDIA GPU", 0.979),
        (f"{'9' * 200} CPUs", MAX_CORES),
        ("1.2.3 CPUs", 1.0),
        ("... CPUs", 1.0),
        ("some CPUs", 1.0),
        ("", 1.0),
    ],
)
def test_a_task_has_the_cores_that_the_client_tells_and_one_where_that_is_no_number(
    told: str, cores: float
) -> None:
    body = f"<results><result><state>2</state><resources>{told}</resources></result></results>"
    (task,) = tasks_from(parse(reply(body)))
    assert task.cpus == cores


@pytest.mark.parametrize(
    "told",
    [
        "",
        "<host_cpid/>",
        f"<host_cpid>{'a' * 33}</host_cpid>",
        f"<host_cpid>{'a' * 1_000_000}</host_cpid>",
        f"<host_cpid><b>{'a' * 32}</b></host_cpid>",
        f"<host_cpid>&lt;b&gt;{'a' * 29}</host_cpid>",
        f"<host_cpid>{'\N{ARABIC-INDIC DIGIT ONE}' * 32}</host_cpid>",
    ],
)
def test_a_machine_that_tells_no_good_id_is_refused(told: str) -> None:
    body = f"<host_info><domain_name>box</domain_name>{told}<p_ncpus>4</p_ncpus></host_info>"
    with pytest.raises(BoincError, match="host_cpid") as caught:
        host_from(parse(reply(body)))
    assert caught.value.fault is BoincFault.BROKEN_REPLY
