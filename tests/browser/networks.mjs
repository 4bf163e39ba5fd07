// SPDX-License-Identifier: MIT
// Two networks and a router between them, made of namespaces below the one that `run` made: nothing of it can be seen from the machine or outlives
// the test. Inside: the gateway, which knows itself by INSIDE alone. Outside: browsers and phones, which know it by PUBLIC alone; the router turns
// one into the other (1:1 NAT). Over IPv6 nothing is translated. The router may be told to let in some ports alone.

import {execFileSync, spawn} from 'node:child_process';
import fs from 'node:fs';

export const INSIDE = '10.80.0.2';
export const PUBLIC = '198.51.100.10';
export const OUTSIDE = '198.51.100.2';
export const INSIDE_V6 = '2001:db8:80::2';
export const OUTSIDE_V6 = '2001:db8:1::2';

const RULES = `
table ip one_to_one {
  chain prerouting {
    type nat hook prerouting priority -100;
    ip daddr ${PUBLIC} dnat to ${INSIDE}
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr ${INSIDE} oifname "outer" snat to ${PUBLIC}
  }
}
`;

// Without `ct state established`: what goes to the gateway goes to one of these ports, or not at all.
const firewall = (ports) => `
table inet firewall {
  chain forward {
    type filter hook forward priority 0; policy drop;
    iifname "inner" accept
${ports.map(({port, protocol}) => `    iifname "outer" ${protocol} dport ${port} accept`).join('\n')}
  }
}
`;

const ip = (...words) => execFileSync('ip', words, {stdio: ['ignore', 'ignore', 'inherit']});

/** A namespace that lives as long as its holder; `within` in front of a command runs it there. */
class Namespace {
  static async make() {
    const space = new Namespace();
    // It ends with its standard input, whatever becomes of the test.
    space.holder = spawn('unshare', ['-n', 'cat'], {stdio: ['pipe', 'ignore', 'inherit']});
    const net = `/proc/${space.holder.pid}/ns/net`;
    const end = Date.now() + 5000;
    while (fs.readlinkSync(net) === fs.readlinkSync('/proc/self/ns/net')) {
      if (Date.now() > end) throw new Error('no namespace');
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
    space.within = ['nsenter', `--net=${net}`];
    space.ip('link', 'set', 'lo', 'up');
    return space;
  }

  ip(...words) {
    const [command, ...args] = [...this.within, 'ip', ...words];
    execFileSync(command, args, {stdio: ['ignore', 'ignore', 'inherit']});
  }

  /** Returns once its links are up and its addresses final: what changed under a browser would end the page load that is under way. */
  async settled() {
    const [command, ...args] = [...this.within, 'ip', '-json', 'address', 'show', 'dev', 'eth0'];
    const end = Date.now() + 5000;
    for (;;) {
      const [link] = JSON.parse(execFileSync(command, args, {encoding: 'utf8'}));
      if (link.operstate === 'UP' && !link.addr_info.some((address) => address.tentative)) return;
      if (Date.now() > end) throw new Error(`the link does not settle: ${JSON.stringify(link)}`);
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  }

  close() {
    this.holder.stdin.end();
  }
}

/** Joins this namespace (the router) with another by a link: `here` is our end's name and addresses, `there` theirs. */
function join(space, name, here, there) {
  ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(space.holder.pid));
  for (const address of here) ip('addr', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
  ip('link', 'set', name, 'up');
  for (const address of there) space.ip('addr', 'add', address, 'dev', 'eth0', ...(address.includes(':') ? ['nodad'] : []));
  space.ip('link', 'set', 'eth0', 'up');
}

/** `{inside, outside, letInOnly, close}`; `letInOnly([{port: '5060', protocol: 'udp'}])` is the firewall from then on; a port may be a range. */
export async function makeNetworks() {
  const [inside, outside] = [await Namespace.make(), await Namespace.make()];
  join(inside, 'inner', ['10.80.0.1/24', '2001:db8:80::1/64'], [`${INSIDE}/24`, `${INSIDE_V6}/64`]);
  join(outside, 'outer', ['198.51.100.1/24', `${PUBLIC}/32`, '2001:db8:1::1/64'], [`${OUTSIDE}/24`, `${OUTSIDE_V6}/64`]);
  inside.ip('route', 'add', 'default', 'via', '10.80.0.1');
  inside.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:80::1');
  outside.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:1::1');
  // From outside there is no route to INSIDE: PUBLIC is the only way.
  fs.writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  fs.writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
  const nft = (rules) => execFileSync('nft', ['-f', '-'], {input: rules, stdio: ['pipe', 'ignore', 'inherit']});
  nft(RULES);
  await Promise.all([inside.settled(), outside.settled()]);
  return {
    inside,
    outside,
    letInOnly(ports) {
      nft(`table inet firewall\ndelete table inet firewall\n${firewall(ports)}`);
    },
    close() {
      inside.close();
      outside.close();
    },
  };
}
