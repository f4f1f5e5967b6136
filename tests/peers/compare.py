#!/usr/bin/env python3
"""tamis beside the filters a user could pick instead, on the same splits; prints one table per set.

Drives the peers' runner (`run.py`): the peers are trained and measured once and kept as JSON; tamis is trained by
`tamis evaluate --splits-from` on exactly the rows the runner exports, and measured by the runner with the same code.
A set whose dev part has fewer than 1,000 rows is judged by five random 80/20 splits of train and dev (seeds 1 to 5,
means), a larger one by its given split; YouTube also by leaving out one video at a time; `--online` sets also by
predicting and then learning in file order. Exits with 1 when a peer is ahead of tamis on ROC-AUC, F1 or recall at 1 %.

May import: the standard library. The runner has its own environment.
"""
import argparse, json, random, subprocess, sys
from pathlib import Path

FIGURES = ["acc", "f1", "mcc", "auc", "r001", "r01", "logloss", "ece"]
NAMES = {"acc": "accuracy", "f1": "F1", "mcc": "MCC", "auc": "ROC-AUC", "r001": "recall @0.1 %", "r01": "recall @1 %", "logloss": "log-loss", "ece": "ECE"}
JUDGED = ["auc", "f1", "r01"]
SERVICES = "rspamd,spamassassin"
ONLINE = "spambayes,bogofilter,crm114,sklearn-hash-sgd,vowpal-wabbit"


def rows(path):
    return sum(1 for line in path.open(encoding="utf-8") if line.strip())


def runs(name, data):
    """(set, run, the runner's arguments) of every run of a set."""
    train, dev = data / name / "train.jsonl", data / name / "dev.jsonl"
    both = f"{train},{dev}"
    if rows(dev) >= 1000:
        yield name, name, [f"{train}:{dev}"]
        return
    for seed in range(1, 6):
        yield name, f"{name}-{seed}", [both, "--seed", str(seed)]
    if name == "youtube":
        yield f"{name}, leave one video out", f"{name}-lovo", [both, "--split", "group:article_id"]


class Compare:
    def __init__(self, a):
        self.a, self.work = a, Path(a.work)
        self.work.mkdir(parents=True, exist_ok=True)

    def runner(self, *args):
        subprocess.run([self.a.python, str(Path(self.a.runner) / "run.py"), *args], check=True, stdout=subprocess.DEVNULL)

    def peers(self, run, args, peers, name):
        """What the peers reach; measured once."""
        out = self.work / f"{run}.{name}.json"
        if not out.exists():
            part = out.with_suffix(".part")
            self.runner(*args, *peers, "--timeout", str(self.a.timeout), "--json", str(part))
            part.rename(out)
        return json.loads(out.read_text())

    def tamis(self, run, args, data):
        """What tamis reaches: given the text only, as the peers are, and given all that a CMS sends."""
        split, out = self.work / f"{run}.split", self.work / f"{run}.tamis.json"
        self.runner(*args, "--export-split", str(split))
        candidates = []
        for name, more in (("tamis", ["--text-only"]), ("tamis, with author and title", ["--data", *map(str, data)])):
            scores = self.work / f"{run}.{'text' if '--text-only' in more else 'all'}.jsonl"
            subprocess.run([self.a.tamis, "evaluate", "--splits-from", str(split), *more, "--json", "--export-scores", str(scores)],
                           check=True, stdout=subprocess.DEVNULL)
            candidates += ["--candidate", f"{name}={scores}"]
        self.runner(*args, "--peers", "none", *candidates, "--json", str(out))
        return json.loads(out.read_text())

    def online(self, name, data):
        train, dev = data / name / "train.jsonl", data / name / "dev.jsonl"
        args = [f"{train},{dev}", "--online"]
        found = self.peers(f"{name}-online", args, ["--peers", ONLINE], "peers")
        scores, out = self.work / f"{name}-online.jsonl", self.work / f"{name}-online.tamis.json"
        subprocess.run([self.a.tamis, "evaluate", "--data", str(train), str(dev), "--online", "--text-only", "--json", "--export-scores", str(scores)],
                       check=True, stdout=subprocess.DEVNULL)
        self.runner(*args, "--peers", "none", "--candidate-online", f"tamis={scores}", "--json", str(out))
        merged = {}
        for d in (found, json.loads(out.read_text())):
            for s in d["sets"].values():
                merged.update(s["online"])
        return merged


def mean(ms):
    return {k: sum(m[k] for m in ms) / len(ms) for k in ms[0] if all(k in m for m in ms)}


def collect(results):
    """Means per filter over the folds of every run."""
    found = {}
    for d in results:
        for s in d["sets"].values():
            for peer, folds in s["x1"]["metrics"].items():
                found.setdefault(peer, []).append(mean(list(folds.values())))
    runs = max(map(len, found.values()), default=0)
    return {peer: mean(ms) for peer, ms in found.items() if len(ms) == runs}


def auc_interval(paths, truths, draws=1000):
    """95 % percentile interval of the mean ROC-AUC over runs: bootstrap within each class of each run's test part."""
    rng, parts = random.Random(1), []
    for path, truth in zip(paths, truths):
        scores = {r["id"]: r["score"] for r in map(json.loads, path.open(encoding="utf-8")) if "id" in r}
        parts.append([sorted(scores[i] for i, y in truth.items() if y == k) for k in (0, 1)])
    means = []
    for _ in range(draws):
        total = 0.0
        for ham, spam in parts:
            h, s = sorted(rng.choices(ham, k=len(ham))), sorted(rng.choices(spam, k=len(spam)))
            wins, below, upto = 0.0, 0, 0
            for v in s:
                while below < len(h) and h[below] < v:
                    below += 1
                upto = max(upto, below)
                while upto < len(h) and h[upto] <= v:
                    upto += 1
                wins += (below + upto) / 2
            total += wins / (len(h) * len(s))
        means.append(total / len(parts))
    means.sort()
    return means[int(.025 * draws)], means[int(.975 * draws)]


def table(title, found, interval):
    print(f"\n### {title}\n\n| filter | {' | '.join(NAMES[k] for k in FIGURES)} |\n|---|{'---:|' * len(FIGURES)}")
    for peer in sorted(found, key=lambda p: -found[p]["auc"]):
        cells = [f"{found[peer][k]:.4f}" if k in found[peer] else "–" for k in FIGURES]
        print(f"| {'**' + peer + '**' if peer.startswith('tamis') else peer} | {' | '.join(cells)} |")
    peers = {p: m for p, m in found.items() if not p.startswith("tamis")}
    behind, short = [], []
    for k in JUDGED:
        best = max(peers, key=lambda p: peers[p].get(k, 0))
        ahead = found["tamis"][k] > peers[best][k]
        short.append(f"{found['tamis'][k]:.4f} ({best} {peers[best][k]:.4f})")
        behind += [] if ahead else [f"{title}: {NAMES[k]} {found['tamis'][k]:.4f}, {best} {peers[best][k]:.4f}"]
    best = max(m["auc"] for m in peers.values())
    ratio = (1 - found["tamis"]["auc"]) / max(1 - best, 1e-9)
    print(f"\ntamis ROC-AUC, 95 %: {interval[0]:.4f} to {interval[1]:.4f}; 1 - AUC is {ratio:.2f} x that of the best peer.")
    return behind, ratio, f"| {title} | {' | '.join(short)} |"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--runner", required=True, help="folder of run.py")
    ap.add_argument("--python", required=True, help="the runner's Python")
    ap.add_argument("--tamis", default="target/release/tamis")
    ap.add_argument("--data", required=True, help="folder with one folder per set")
    ap.add_argument("--sets", default="youtube sms telegram_ru judol_id vispam_vi")
    ap.add_argument("--online", default="youtube sms", help="sets that are also judged online")
    ap.add_argument("--services", default="youtube sms", help="sets on which the mail services run too (minutes each)")
    ap.add_argument("--timeout", type=int, default=3000, help="seconds per peer and fold")
    ap.add_argument("--work", default="target/peers", help="where results are kept")
    a = ap.parse_args()
    compare, data = Compare(a), Path(a.data)
    behind, ratios, lines, sets = [], [], [], a.sets.split()
    for name in sets:
        grouped = {}
        for title, run, args in runs(name, data):
            files = [data / name / "train.jsonl", data / name / "dev.jsonl"]
            results = [compare.peers(run, args, ["--skip", SERVICES], "peers")]
            if name in a.services.split():
                results.append(compare.peers(run, args, ["--peers", SERVICES], "services"))
            results.append(compare.tamis(run, args, files))
            tests = sorted((compare.work / f"{run}.split").glob("*/*/test.jsonl"))
            truth = {r["id"]: int(r["label"] == "spam") for t in tests for r in map(json.loads, t.open(encoding="utf-8"))}
            group = grouped.setdefault(title, ([], [], []))
            group[0].extend(results), group[1].append(compare.work / f"{run}.text.jsonl"), group[2].append(truth)
        for title, (results, scores, truths) in grouped.items():
            found = collect(results)
            b, ratio, line = table(title, found, auc_interval(scores, truths))
            behind, ratios, lines = behind + b, ratios + [ratio], lines + [line]
    for name in [n for n in a.online.split() if n in sets]:
        found = compare.online(name, data)
        print(f"\n### {name}, online: predict, then learn\n\n| filter | 1-ROCA % | lam % | hm % | sm % |\n|---|---:|---:|---:|---:|")
        for peer, m in sorted(found.items(), key=lambda kv: kv[1].get("roca", 999)):
            print(f"| {'**tamis**' if peer == 'tamis' else peer} | " + " | ".join(f"{m[k]:.3f}" if k in m else "–" for k in ("roca", "lam", "hm", "sm")) + " |")
        best = min((m["roca"], p) for p, m in found.items() if p != "tamis" and "roca" in m)
        if found["tamis"]["roca"] >= best[0]:
            behind.append(f"{name} online: 1-ROCA % {found['tamis']['roca']:.3f}, {best[1]} {best[0]:.3f}")
    print(f"\n### tamis, text only (best other filter)\n\n| set | {' | '.join(NAMES[k] for k in JUDGED)} |\n|---|{'---|' * len(JUDGED)}")
    print("\n".join(lines))
    print("\n" + ("\n".join(["behind:"] + behind) if behind else "ahead of every peer on ROC-AUC, F1, recall at 1 % and online"))
    print(f"1 - AUC at most 0.75 x the best peer's on {sum(r <= .75 for r in ratios)} of {len(ratios)}")
    sys.exit(1 if behind else 0)


if __name__ == "__main__":
    main()
