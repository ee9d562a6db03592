"""What every test shares."""

import pytest
import pytest_socket

# Imported first: else the test plugin's own `custom_components` package hides ours.
import custom_components.qheat.const  # noqa: F401


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Let tests connect to unix sockets too, after the plugin has allowed loopback only."""
    pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
