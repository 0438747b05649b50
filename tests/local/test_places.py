"""Two checkouts run side by side."""

from dataclasses import astuple

from privity.places import Ports


def test_the_ports_of_the_interface_are_the_default() -> None:
    ports = Ports.chosen({})
    assert (ports.gateway, ports.smtp_in, ports.imap, ports.kafka) == (8080, 2525, 3143, 19092)


def test_a_base_moves_all_ports_and_none_twice() -> None:
    one, two = Ports.chosen({"PRIVITY_PORT_BASE": "20000"}), Ports.chosen({})
    moved = astuple(one)
    assert len(set(moved)) == len(moved)
    assert min(moved) == 20000
    assert max(moved) < 20100
    assert not set(moved) & set(astuple(two))


def test_one_port_can_be_moved_alone() -> None:
    ports = Ports.chosen({"PRIVITY_PORT_BASE": "20000", "PRIVITY_GATEWAY_PORT": "9000"})
    assert ports.gateway == 9000
    assert ports.matters == 20001
