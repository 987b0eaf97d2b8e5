#!/usr/bin/env python3
"""Counts whose turns they were on a Kaia, CometBFT or clique node, and holds the count against the evidence.

    recount_turns.py http://127.0.0.1:PORT EVIDENCE.json...

Kaia: for every block that the evidence covers it fetches block and parent from the node, reads the council out of the
header's extra data and the round out of its last vanity byte, and works out by round robin who had the turn in each
round: the proposer of the block, and those who failed before it, must be whom the evidence names. A block that a later
proposer handed on is its maker's, whose turn did not fail; nobody is charged for the rounds between. For chains whose
proposers take turns (istanbul.policy 0). They do so in the order of their addresses as spelled with a checksum (EIP-55),
in which headers list them since 2024, and before in the order of the bytes.
CometBFT: from the priorities that the node tells for the height before, one step of the rotation a round: everybody's
priority grows by their power, the highest has the turn and is taken back by the power of all. For sets that do not change.
Clique: who is in turn is height modulo signers, in the order of their addresses; when another sealed the block, it failed
unless it had sealed one of the len(signers) // 2 blocks before, or may think so: see there.
Standard library only; knows nothing of Touchstone's code.
"""
import json
import sys
import urllib.request


def call(url, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)["result"]


def item(data, at):
    """One RLP item that begins at `at`: (bytes or list, where it ends)."""
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    base = 0x80 if first < 0xC0 else 0xC0
    size, start = first - base, at + 1
    if size > 55:
        start += size - 55
        size = int.from_bytes(data[at + 1 : start], "big")
    end = start + size
    if base == 0x80:
        return data[start:end], end
    items = []
    while start < end:
        one, start = item(data, start)
        items.append(one)
    return items, end


ROTATIONS = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]]


def keccak256(data):
    """Of fewer than 136 bytes: one block of the sponge (FIPS 202, with the padding of before it)."""
    block = bytearray(data + b"\x01" + bytes(135 - len(data)))
    block[135] |= 0x80
    lane, mask, register = [[0] * 5 for _ in range(5)], (1 << 64) - 1, 1

    def rol(value, by):
        return ((value << by) | (value >> (64 - by))) & mask

    for index in range(17):
        lane[index % 5][index // 5] = int.from_bytes(block[index * 8 : index * 8 + 8], "little")
    for _ in range(24):
        parity = [lane[x][0] ^ lane[x][1] ^ lane[x][2] ^ lane[x][3] ^ lane[x][4] for x in range(5)]
        mixed = [[0] * 5 for _ in range(5)]
        for x in range(5):
            change = parity[x - 1] ^ rol(parity[(x + 1) % 5], 1)
            for y in range(5):
                mixed[y][(2 * x + 3 * y) % 5] = rol(lane[x][y] ^ change, ROTATIONS[x][y])
        for x in range(5):
            for y in range(5):
                lane[x][y] = mixed[x][y] ^ (~mixed[(x + 1) % 5][y] & mixed[(x + 2) % 5][y])
        for bit in range(7):
            if register & 1:
                lane[0][0] ^= 1 << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
    return b"".join(lane[x][0].to_bytes(8, "little") for x in range(4))


def spelled(address, known={}):
    """With its checksum: a digit is a capital where the hash of the small ones has 8 or more."""
    if address not in known:
        digits = keccak256(address[2:].encode()).hex()
        known[address] = "0x" + "".join(c.upper() if int(d, 16) > 7 else c for c, d in zip(address[2:], digits))
    return known[address]


def made(url, height, known):
    """(council, round, proposer) of a block."""
    if height not in known:
        # Releases of before 2024 answer the older name only.
        block = call(url, "klay_getBlockWithConsensusInfoByNumber", hex(height))
        extra = bytes.fromhex(block["extraData"][2:])
        council = ["0x" + address.hex() for address in item(extra, 32)[0][0]]
        council.sort(key=spelled)
        known[height] = (council, extra[31], block["proposer"].lower())
    return known[height]


def kaia(url, height, known):
    """(proposer, round, failed, barred) of a block."""
    council, rounds, proposer = made(url, height, known)
    before = made(url, height - 1, known)[2]
    turns = [council[(council.index(before) + 1 + r) % len(council)] for r in range(rounds + 1)]
    failed, handed_on = turns[:-1], []
    if turns[-1] != proposer:
        # Prepared in an earlier round and not committed then: handed on as it is, with the seal of its maker.
        if proposer not in failed or rounds >= len(council):
            sys.exit(f"block {height} is by {proposer}, round {rounds} was the turn of {turns[-1]}")
        failed, handed_on = failed[: failed.index(proposer)], [proposer]
    return proposer, rounds, failed, handed_on


def sealer(url, height, known):
    if height not in known:
        known[height] = call(url, "clique_getSigner", hex(height))
    return known[height]


def clique(url, height, known):
    """(proposer, round, failed, barred) of a block."""
    signers = sorted(call(url, "clique_getSigners", hex(height - 1)))
    proposer, in_turn = sealer(url, height, known), signers[height % len(signers)]
    if proposer == in_turn:
        return proposer, 0, [], []
    rest = len(signers) // 2

    def made_one(first, last):
        return in_turn in [sealer(url, one, known) for one in range(max(1, first), last)]

    # Or it may be barred in its own eyes: it raced for the turn before, which its owner left, and lost. Believed only
    # of who made a block since its last turn, in that, or in the one before it; or may have, beyond the 16 blocks that
    # the evidence rests on.
    left = height > 1 and call(url, "eth_getBlockByNumber", hex(height - 1), False)["difficulty"] == "0x1"
    owner = signers[(height - 1) % len(signers)]
    left = left and owner not in [sealer(url, one, known) for one in range(max(1, height - 1 - rest), height - 1)]
    took_part = not made_one(height - 1 - rest, height - 1)
    seen = made_one(height - min(len(signers) + 1, 16), height - 1) or len(signers) >= 16 < height - 1
    raced = left and took_part and sealer(url, height - 1, known) != in_turn and seen
    barred = made_one(height - rest, height) or raced
    return proposer, 1, [] if barred else [in_turn], [in_turn] if barred else []


def get(url, path):
    with urllib.request.urlopen(f"{url}/{path}", timeout=10) as reply:
        return json.load(reply)["result"]


def cometbft(url, height, known):
    """(proposer, round, failed, barred) of a block."""
    signed = get(url, f"commit?height={height}")["signed_header"]
    proposer, rounds = signed["header"]["proposer_address"], signed["commit"]["round"]
    seated = get(url, f"validators?height={height - 1}&per_page=100")["validators"]
    priority = {one["address"]: int(one["proposer_priority"]) for one in seated}
    power = {one["address"]: int(one["voting_power"]) for one in seated}
    turns = []
    for _ in range(rounds + 1):
        priority = {one: value + power[one] for one, value in priority.items()}
        turn = min(priority, key=lambda one: (-priority[one], one))
        priority[turn] -= sum(power.values())
        turns.append(turn)
    if turns[-1] != proposer:
        sys.exit(f"block {height} is by {proposer}, round {rounds} was the turn of {turns[-1]}")
    return proposer, rounds, turns[:-1], []


def recount(url, path, known):
    evidence = json.load(open(path))
    family = {"kaia": kaia, "cometbft": cometbft, "clique": clique}[evidence["network"]["family"]]
    missed = {}
    # The turns that were under way before the run began are not the run's.
    blocks = [block for block in evidence["blocks"] if "turn" in block]
    if not blocks:
        sys.exit(f"{path}: no block whose turn is told")
    for block in blocks:
        height, turn = block["height"], block["turn"]
        counted = family(url, height, known)
        said = (turn["proposer"], turn["round"], turn["failed"], turn.get("barred", []))
        if said != counted:
            sys.exit(f"{path}: block {height} is {counted}, the evidence says {said}")
        for one in counted[2]:
            missed[one] = missed.get(one, 0) + 1
    return len(blocks), missed


def main():
    url, paths = sys.argv[1], sys.argv[2:]
    known = {}
    for path in paths:
        blocks, missed = recount(url, path, known)
        print(f"same: {blocks} blocks, failed turns {missed}")


if __name__ == "__main__":
    main()
