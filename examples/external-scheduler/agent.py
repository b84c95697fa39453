#!/usr/bin/env python3
"""An external scheduler for CloudAI: best fit, in Python's standard library alone.

    cloudai scheduler use external
    python3 agent.py --url http://127.0.0.1:50052 --token-file admin.token

It decides in rounds: fetch the state, place each waiting task where the least is left over, submit. The calls are
Connect: POST with JSON. The same methods are there as gRPC; see docs/guides/grpc.md.
"""

import argparse
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request

AMOUNTS = ("cpuMillis", "memoryBytes", "storageBytes", "gpuMillis")


class Master:
    """The two calls of an agent. Integers of 64 bits are text in JSON, and what is zero or empty is left out."""

    def __init__(self, url, token, ca=None):
        self.url, self.token = url.rstrip("/"), token
        self.context = ssl.create_default_context(cafile=ca) if url.startswith("https") else None

    def call(self, method, **request):
        body = json.dumps(request).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        path = f"{self.url}/cloudai.agent.v1.MasterAgent/{method}"
        with urllib.request.urlopen(
            urllib.request.Request(path, body, headers), timeout=10, context=self.context
        ) as answer:
            return json.load(answer)


def amounts(resources):
    """A dictionary of integers; custom resources by their own names."""
    found = {name: int(resources.get(name, 0)) for name in AMOUNTS}
    found.update({f"custom/{name}": int(count) for name, count in resources.get("custom", {}).items()})
    return found


def fits(need, room):
    return all(count <= room.get(name, 0) for name, count in need.items())


def allowed(task, worker):
    """What the task says about where it may run. The master checks it again."""
    if task.get("targetWorker", "") not in ("", worker["id"]):
        return False
    labels = worker.get("labels", {})
    return all(labels.get(key) == value for key, value in task.get("selector", {}).items())


def left_over(need, room, total):
    """How much of the worker would stay free, as a sum of shares: best fit takes the smallest."""
    return sum((room[name] - need.get(name, 0)) / total[name] for name in room if total.get(name, 0) > 0)


def place(state):
    """Assignments for the waiting tasks, in the order of the queue."""
    workers = [worker for worker in state.get("workers", []) if worker.get("status") == "active"]
    rooms = {worker["id"]: amounts(worker.get("available", {})) for worker in workers}
    totals = {worker["id"]: amounts(worker.get("total", {})) for worker in workers}
    assignments = []
    for task in state.get("tasks", []):
        need = {name: count for name, count in amounts(task.get("requirements", {})).items() if count > 0}
        failed = set(task.get("failedOn", []))
        candidates = [
            worker["id"] for worker in workers if allowed(task, worker) and fits(need, rooms[worker["id"]])
        ]
        # Elsewhere than where it failed before, if there is such a place.
        candidates = [name for name in candidates if name not in failed] or candidates
        if not candidates:
            continue
        best = min(candidates, key=lambda name: (left_over(need, rooms[name], totals[name]), name))
        for name, count in need.items():
            rooms[best][name] -= count
        assignments.append({"taskId": task["id"], "workerId": best})
    return assignments


def decide(master, agent, think_seconds=0.0):
    """One round. Says how many tasks it placed."""
    state = master.call("FetchClusterState", agent=agent)
    if not state.get("lease", {}).get("granted", False) or not state.get("tasks"):
        return 0
    assignments = place(state)
    time.sleep(think_seconds)
    # Also when there is nothing to place: it is the answer that renews the lease.
    answer = master.call(
        "SubmitAssignments", agent=agent, sequence=state.get("sequence", "0"), assignments=assignments
    )
    for outcome in answer.get("outcomes", []):
        word = "placed" if outcome.get("accepted") else f"refused ({outcome.get('code')}: {outcome.get('message')})"
        print(f"{outcome['taskId']} on {outcome['workerId']}: {word}", flush=True)
    return answer.get("committed", 0)


def main():
    options = argparse.ArgumentParser(description="Best fit for CloudAI, as an external scheduler.")
    options.add_argument("--url", default="http://127.0.0.1:50052", help="the gRPC port of the master")
    options.add_argument("--agent", default="best-fit", help="name in the record of its decisions")
    options.add_argument("--token-file", help="file with an admin's token; without it CLOUDAI_TOKEN")
    options.add_argument("--ca", help="root certificate of the cluster, for https")
    options.add_argument("--every", type=float, default=0.2, help="seconds between two rounds")
    options.add_argument("--think", type=float, default=0.0, help="seconds to wait before an answer: to see it come late")
    given = options.parse_args()
    token = open(given.token_file).read().strip() if given.token_file else os.environ.get("CLOUDAI_TOKEN", "")
    master = Master(given.url, token, given.ca)
    while True:
        try:
            if decide(master, given.agent, given.think) > 0:
                continue
        except urllib.error.HTTPError as error:
            refusal = json.loads(error.read() or b"{}")
            print(f"the master refused: {refusal.get('code')}: {refusal.get('message')}", file=sys.stderr, flush=True)
            if error.code in (401, 403):
                return 1
        except OSError as error:
            print(f"the master does not answer: {error}", file=sys.stderr, flush=True)
        time.sleep(given.every)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        pass
