# SPDX-License-Identifier: MIT
"""Networks for a test: namespaces that live as long as their holder process, joined by veth, and a router that hides one side behind its own
address. The tests themselves run in a namespace already (./run), so nothing here can be seen from the machine or survive the test."""

import ctypes
import os
import socket
import subprocess
import threading

from bed import wait_until

CLONE_NEWNET = 0x40000000  # of sched.h
INSIDE, ROUTER_INSIDE = "10.78.1.2", "10.78.1.1"
ROUTER_OUTSIDE, GATEWAY = "10.78.2.1", "10.78.2.2"
GATEWAY_NEAR, NEIGHBOUR = "10.78.3.1", "10.78.3.2"
# Seconds after which the router forgets a silent mapping: less than many real ones, more than the 25 s of our keep-alives.
MAPPING_S = 30

# A cone NAT with port-restricted filtering: one mapping for an inside port, in come only answers.
RULES = """
table ip nat {
  chain postrouting {
    type nat hook postrouting priority 100;
    oifname "outer" masquerade
  }
}
table ip filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "inner" accept
  }
}
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


class Namespace:
    """`within` in front of a command runs it there."""

    def __init__(self):
        # It ends with its standard input, whatever becomes of the test.
        self._holder = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.pid = self._holder.pid
        net = f"/proc/{self.pid}/ns/net"
        wait_until(lambda: os.readlink(net) != os.readlink("/proc/self/ns/net"), "a namespace")
        self.within = ("nsenter", f"--net={net}")
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command, **options):
        return run(*self.within, *command, **options)

    def connect(self, address):
        """A TCP connection made there, to be used here. A thread goes there for it: a socket stays where it was made."""
        made = []

        def go():
            with open(f"/proc/{self.pid}/ns/net") as net:
                if ctypes.CDLL(None, use_errno=True).setns(net.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.create_connection(address, 5))

        thread = threading.Thread(target=go)
        thread.start()
        thread.join(10)
        assert made, f"no connection to {address} in the namespace"
        return made[0]

    def close(self):
        self._holder.stdin.close()
        self._holder.wait(10)


class NatTrio:
    """Inside (INSIDE) - router (ROUTER_INSIDE | ROUTER_OUTSIDE) - GATEWAY, which is where the test itself is - NEIGHBOUR, without a NAT."""

    def __init__(self):
        self.inside, self.router, self.neighbour = Namespace(), Namespace(), Namespace()
        self._join(self.inside, "inside", INSIDE, self.router, "inner", ROUTER_INSIDE)
        self._join(self.router, "outer", ROUTER_OUTSIDE, None, "outside", GATEWAY)
        self._join(self.neighbour, "near", NEIGHBOUR, None, "gateway", GATEWAY_NEAR)
        self.inside.run("ip", "route", "add", "default", "via", ROUTER_INSIDE)
        self.neighbour.run("ip", "route", "add", "default", "via", GATEWAY_NEAR)
        self.router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.router.run("nft", "-f", "-", input=RULES)
        for timeout in ("udp_timeout", "udp_timeout_stream"):
            self.router.run("sysctl", "-qw", f"net.netfilter.nf_conntrack_{timeout}={MAPPING_S}")

    def _join(self, first, device, address, second, other_device, other_address):
        """A cable between two namespaces; None is where the test is."""
        run("ip", "link", "add", device, "type", "veth", "peer", "name", other_device)
        for namespace, name, ip in ((first, device, address), (second, other_device, other_address)):
            if namespace:
                run("ip", "link", "set", name, "netns", str(namespace.pid))
            there = namespace.run if namespace else run
            there("ip", "addr", "add", f"{ip}/24", "dev", name)
            there("ip", "link", "set", name, "up")

    def close(self):
        """The cables go with the namespaces."""
        for namespace in (self.inside, self.router, self.neighbour):
            namespace.close()
