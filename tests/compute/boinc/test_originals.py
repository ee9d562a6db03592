"""What a client's user gets back, and what he changed meanwhile."""

from collections.abc import AsyncGenerator

import pytest

from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.control import Control
from custom_components.qheat.compute.boinc.errors import BoincError, BoincFault
from custom_components.qheat.compute.boinc.options import BoincOptions
from custom_components.qheat.compute.boinc.originals import Originals
from custom_components.qheat.compute.boinc.plan import Plan, override_with, preferences_for
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.compute.boinc.stewardship import Stewardship
from custom_components.qheat.compute.boinc.watts import WattsTable
from custom_components.qheat.compute.engine import HeatBudget, PowerModel

from .simulated import PASSWORD, SimulatedClient

OWN = """<global_preferences>
   <max_ncpus_pct>75.000000</max_ncpus_pct>
   <disk_max_used_gb>5</disk_max_used_gb>
   <leave_apps_in_memory/>
   <start_hour>8</start_hour>
</global_preferences>"""
MODEL = PowerModel(idle_w=20.0, rated_w=60.0, slots=4)
RULED = preferences_for(Plan(cores=1, duty=0.5), 4)


@pytest.fixture
async def client(simulated: SimulatedClient) -> AsyncGenerator[BoincClient]:
    simulated.permanent = 3
    connection = RpcConnection("127.0.0.1", simulated.port, PASSWORD)
    await connection.connect()
    yield BoincClient(connection)
    await connection.close()


def originals(override: str) -> Originals:
    return Originals(override=override, cpu_mode=RunMode.AUTO, gpu_mode=RunMode.AUTO)


@pytest.mark.parametrize(
    "own", [OWN, OWN.replace("\n", ""), "", "<oops", "<global_preferences/>", f"<?xml?>\n{OWN}\n"]
)
async def test_what_nobody_changed_is_put_back_word_for_word(
    client: BoincClient, simulated: SimulatedClient, own: str
) -> None:
    for now in (
        own,
        override_with(own, {"leave_apps_in_memory": 1.0}),
        override_with(own, RULED),
        override_with(override_with(own, RULED), RULED).replace("\n", "\r\n"),
    ):
        simulated.override = now
        await originals(own).put_back(client)
        assert simulated.override == own


async def test_what_somebody_changed_meanwhile_is_kept_beside_the_users_own_values_of_ours(
    client: BoincClient, simulated: SimulatedClient
) -> None:
    newer = OWN.replace(">5<", ">77<").replace("   <start_hour>8</start_hour>\n", "")
    simulated.override = override_with(newer, RULED)
    for _ in range(2):
        await originals(OWN).put_back(client)
        assert simulated.override.split() == [
            "<global_preferences>",
            "<disk_max_used_gb>77</disk_max_used_gb>",
            "<max_ncpus_pct>75.000000</max_ncpus_pct>",
            "<leave_apps_in_memory/>",
            "</global_preferences>",
        ]


async def test_who_cleared_the_local_preferences_gets_back_only_what_a_radiator_ruled(
    client: BoincClient, simulated: SimulatedClient
) -> None:
    await originals(OWN).put_back(client)
    assert simulated.preferences.keys() == {"max_ncpus_pct", "cpu_usage_limit"}
    assert simulated.preferences["max_ncpus_pct"] == 75


@pytest.fixture
def in_latin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a client whose preferences were written by an editor that knows no UTF-8."""
    ask = RpcConnection.call_raw

    async def told(connection: RpcConnection, request: str) -> bytes:
        reply = await ask(connection, request)
        return reply.decode().encode("latin-1") if "get_global" in request else reply

    monkeypatch.setattr(RpcConnection, "call_raw", told)


@pytest.mark.usefixtures("in_latin")
async def test_words_in_another_encoding_are_given_back_as_the_same_words(
    client: BoincClient, simulated: SimulatedClient
) -> None:
    simulated.override = own = OWN.replace("<disk", "<!-- Préférences -->\n   <disk")
    found = await Originals.of(client, await client.status())
    await found.put_back(client)
    assert simulated.override == own


@pytest.mark.usefixtures("in_latin")
async def test_what_would_be_too_long_to_be_given_back_is_not_taken_over(
    client: BoincClient, simulated: SimulatedClient
) -> None:
    simulated.override = "ÿ" * 50_000
    with pytest.raises(BoincError) as caught:
        await Originals.of(client, await client.status())
    assert caught.value.fault is BoincFault.BROKEN_REPLY


@pytest.mark.parametrize("answer", [b"\x03", b"<boinc_gui_rpc_reply>\n\x03", b"HTTP/1.1 400\x03"])
async def test_an_answer_that_is_no_reply_does_not_tell_of_no_preferences(
    client: BoincClient, simulated: SimulatedClient, answer: bytes
) -> None:
    simulated.answer = answer
    with pytest.raises(BoincError) as caught:
        await client.override()
    assert caught.value.fault is BoincFault.BROKEN_REPLY


BROKEN = [
    "\n",  # a file that a power cut has left empty
    "<oops",
    "<global_preferences><disk_max_used_gb>77</disk_max",
    "\N{REPLACEMENT CHARACTER}" * 10,
    f"<global_preferences>{'<a>1</a>' * 9_000}</global_preferences>",
    f"<global_preferences>{'<a>\N{EURO SIGN}</a>' * 6_500}</global_preferences>",
]


@pytest.mark.parametrize("broken", BROKEN)
async def test_for_a_broken_file_the_originals_are_put_back(
    client: BoincClient, simulated: SimulatedClient, broken: str
) -> None:
    simulated.override = broken
    await originals(OWN).put_back(client)
    assert simulated.override == OWN


async def test_values_of_ours_too_long_to_be_sent_with_a_newer_file_come_without_it(
    client: BoincClient, simulated: SimulatedClient
) -> None:
    own = OWN.replace("75.000000", "7" * 40_000)
    simulated.override = f"<global_preferences>{'<a>1</a>' * 6_000}</global_preferences>"
    await originals(own).put_back(client)
    assert simulated.override == own


@pytest.mark.parametrize("broken", [*BROKEN, "<global_preferences><!-- </global_preferences>"])
async def test_a_broken_file_is_replaced_by_the_originals_and_it_heats(
    client: BoincClient, simulated: SimulatedClient, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(self: SimulatedClient, request: str) -> str:
        """Tell what is in force for a client that takes what follows for a comment."""
        without = "<global_preferences><max_ncpus_pct>100</max_ncpus_pct></global_preferences>"
        return without if "<!--" in self.override else tell(self, request)

    tell = SimulatedClient._get_global_prefs_working
    monkeypatch.setattr(SimulatedClient, "_get_global_prefs_working", told)
    simulated.override = broken
    steward = Stewardship(table=WattsTable(MODEL), options=BoincOptions(), originals=originals(OWN))
    control = Control(client=client, steward=steward)
    steward.budget = HeatBudget(power_w=30.0, expires_s=120.0)
    await control.follow(100.0, await client.status())
    assert simulated.mode == 1
    assert "<disk_max_used_gb>5</disk_max_used_gb>" in simulated.override
    assert len(simulated.override) < 1_000
