"""Home Assistant's own API, as a person's browser uses it."""

import asyncio
from collections.abc import Mapping
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from .errors import DemoError, RefusedError

OWNER: Final = "demo"


class Api:
    """A client of one Home Assistant; commands answer one after the other."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client_id = f"{url}/"
        self._headers: dict[str, str] = {}
        self._ids = count(1)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close()
        await self._session.close()

    async def wait_until_it_answers(self) -> None:
        """Return once Home Assistant serves pages."""
        while True:
            try:
                async with self._session.get("/manifest.json") as response:
                    if response.ok:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)

    async def get(self, path: str) -> Any:
        """Return the JSON answer to a GET."""
        return await self._request("GET", path)

    async def post(self, path: str, data: Mapping[str, Any]) -> Any:
        """Return the JSON answer to a POST of JSON."""
        return await self._request("POST", path, json=data)

    async def _request(self, method: str, path: str, **kwargs: Any) -> Any:
        async with self._session.request(method, path, headers=self._headers, **kwargs) as response:
            if not response.ok:
                raise DemoError(f"{method} {path}: {response.status} {await response.text()}")
            return await response.json()

    async def sign_in(self, password: str) -> None:
        """Create the owner on the first start, then sign in as the owner."""
        code = await self._onboard(password) or await self._log_in(password)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self._client_id,
        }
        self.tokens = await self._request("POST", "/auth/token", data=form)
        await self.enter(self.tokens["access_token"])

    async def enter(self, token: str) -> None:
        """Come in with an access token."""
        self._headers = {"Authorization": f"Bearer {token}"}
        self._socket = await self._session.ws_connect("/api/websocket", max_msg_size=0)
        await self._hear()
        await self._socket.send_json({"type": "auth", "access_token": token})
        if (answer := await self._hear())["type"] != "auth_ok":
            raise DemoError(f"Home Assistant refuses the token: {answer}")

    async def _hear(self) -> Any:
        assert self._socket is not None
        try:
            return await self._socket.receive_json()
        except aiohttp.WSMessageTypeError as err:
            raise DemoError("Home Assistant has closed the connection") from err

    async def _onboard(self, password: str) -> str | None:
        async with self._session.get("/api/onboarding") as response:
            # Once everything is done, the address is gone.
            if not response.ok or all(step["done"] for step in await response.json()):
                return None
        owner = {
            "client_id": self._client_id,
            "language": "en",
            "name": OWNER,
            "username": OWNER,
            "password": password,
        }
        code: str = (await self.post("/api/onboarding/users", owner))["auth_code"]
        return code

    async def _log_in(self, password: str) -> str:
        start = {
            "client_id": self._client_id,
            "handler": ["homeassistant", None],
            "redirect_uri": self._client_id,
        }
        flow = await self.post("/auth/login_flow", start)
        answer = {"client_id": self._client_id, "username": OWNER, "password": password}
        result = await self.post(f"/auth/login_flow/{flow['flow_id']}", answer)
        if result["type"] != "create_entry":
            raise DemoError(f"Home Assistant refuses its owner: {result.get('errors')}")
        code: str = result["result"]
        return code

    async def command(self, command: str, **data: Any) -> Any:
        """Return the result of a websocket command."""
        assert self._socket is not None
        number = next(self._ids)
        await self._socket.send_json({"id": number, "type": command, **data})
        answer = await self._hear()
        if not answer["success"]:
            raise DemoError(f"{command}: {answer['error']['message']}")
        return answer["result"]

    async def walk(
        self,
        kind: str,
        handler: str | list[str],
        answers: Mapping[str, Mapping[str, Any]],
        **context: str,
    ) -> Any:
        """Answer each form of a flow; a field without an answer takes the form's default.

        Returns its result, None where something was changed. Raises RefusedError for answers that
        a form does not take.
        """
        path = f"/api/config/config_entries/{kind}"
        step = await self.post(path, {"handler": handler, **context})
        try:
            while step["type"] == "form":
                if step["errors"] or step["step_id"] not in answers:
                    raise RefusedError(step["step_id"], step["errors"])
                step = await self.post(f"{path}/{step['flow_id']}", answers[step["step_id"]])
        except DemoError:
            await self._request("DELETE", f"{path}/{step['flow_id']}")
            raise
        if step["type"] == "abort" and step["reason"] != "reconfigure_successful":
            raise DemoError(f"Home Assistant ends the set-up: {step['reason']}")
        return step.get("result")

    async def wait_until_it_runs(self) -> None:
        """Return once everything that Home Assistant starts with has started."""
        while (await self.command("get_config"))["state"] != "RUNNING":
            await asyncio.sleep(0.2)

    async def state(self, entity_id: str) -> dict[str, Any]:
        """Return state and attributes of an entity."""
        state: dict[str, Any] = await self.get(f"/api/states/{entity_id}")
        return state

    async def act(self, domain: str, action: str, **data: Any) -> None:
        """Perform an action, such as climate.set_temperature."""
        await self.post(f"/api/services/{domain}/{action}", data)
