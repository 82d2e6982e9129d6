"""Machine code kept on disk is never older than the code it was made from."""

import subprocess
import sys

CALLEE = "def base(x):\n    return x + {}\n"
CALLER = "from callee import base\n\n\ndef twice(x):\n    return 2 * base(x)\n"
RUN = (
    "import callee, caller; from auction_bt.core.jit import compiled; "
    "print(compiled(vars(callee), vars(caller)).twice(5), caller.twice(5))"
)


def run(folder):
    env = {"PYTHONPATH": f"{folder}:{':'.join(p for p in sys.path if p)}", "NUMBA_CACHE_DIR": str(folder / "cache")}
    out = subprocess.run([sys.executable, "-B", "-c", RUN], capture_output=True, text=True, check=True, env=env)
    return out.stdout.split()


def test_a_change_in_another_file_reaches_the_functions_that_call_it(tmp_path):
    (tmp_path / "caller.py").write_text(CALLER)
    for added, want in ((1, "12"), (1, "12"), (2, "14")):
        (tmp_path / "callee.py").write_text(CALLEE.format(added))
        assert run(tmp_path) == [want, want]
    assert list((tmp_path / "cache").rglob("*.nbc"))
