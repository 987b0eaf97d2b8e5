#!/usr/bin/env python3
"""Counts a run's transactions on a node of the chain, and holds the count against the evidence.

    recount.py http://127.0.0.1:PORT EVIDENCE.json...

For every block that the evidence covers it fetches the block from the node and looks for each
transaction of each lane: what the evidence says landed must be at that height with that fate, and
what it says did not land must be in none of the blocks. Standard library only; knows nothing of
Touchstone's code.
"""
import json
import sys
import urllib.request


def call(url, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)["result"]


def recount(url, path, chain):
    evidence = json.load(open(path))
    heights = [block["height"] for block in evidence["blocks"]]
    for block in evidence["blocks"]:
        height = block["height"]
        if height not in chain:
            real = call(url, "eth_getBlockByNumber", hex(height), False)
            receipts = call(url, "eth_getBlockReceipts", hex(height))
            chain[height] = (real["hash"], {r["transactionHash"]: int(r["status"], 16) for r in receipts})
        if block["hash"] != chain[height][0]:
            sys.exit(f"{path}: block {height} is {chain[height][0]}, the evidence says {block['hash']}")
        if block["transactions"] != len(chain[height][1]):
            sys.exit(f"{path}: block {height} has {len(chain[height][1])} transactions, not {block['transactions']}")
    where = {tx: (height, fate) for height in heights for tx, fate in chain[height][1].items()}
    counted = 0
    for phase in evidence["phases"]:
        for lane in phase["lanes"]:
            landed = 0
            for tx, _, height, success in lane["transactions"]:
                counted += 1
                landed += height > 0
                said = (height, success) if height else None
                if where.get(tx) != said:
                    sys.exit(f"{path}: {phase['name']}: {tx} is at {where.get(tx)}, the evidence says {said}")
            if lane["kind"] in ("honest", "V08", "gap-fill", "V11", "V15") and len(lane["transactions"]) != lane["offered"]:
                sys.exit(f"{path}: {phase['name']}: {lane['offered']} offered, not each is listed")
            if landed != lane["landed"]:
                sys.exit(f"{path}: {phase['name']}: {landed} landed, the evidence says {lane['landed']}")
    return counted


def main():
    url, paths, chain = sys.argv[1], sys.argv[2:], {}
    counted = sum(recount(url, path, chain) for path in paths)
    if counted == 0:
        sys.exit("no transaction to count: nothing was checked")
    print(f"recounted {counted} transactions of {len(paths)} runs in {len(chain)} blocks: same")


main()
