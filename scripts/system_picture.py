"""Draws docs/images/system.svg: the path of a job, on a laptop and on a cluster."""

from dataclasses import dataclass, field
from html import escape

_WIDTH, _HEIGHT = 980, 590
_INK, _MUTED, _EDGE = "#1b1f24", "#57606a", "#8c959f"
_STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;"
    f"fill:{_INK};font-size:14px}}"
    f".small{{font-size:12px;fill:{_MUTED}}}.bold{{font-weight:600}}"
    ".mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px}"
)
_STAGE_WIDTH, _STAGE_GAP = 98, 22


@dataclass
class _Drawing:
    """An SVG that grows; all sizes are pixels."""

    parts: list[str] = field(default_factory=list)

    def area(self, x: int, y: int, width: int, height: int, title: str, fill: str) -> None:
        """A large rectangle with a title in its upper left corner."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="10" fill="{fill}"/>'
        )
        self.text(x + 14, y + 22, title, "bold", anchor="start")

    def box(self, x: int, y: int, width: int, title: str, *lines: str, style: str = "bold") -> None:
        """A white box with a title and small lines below it, all centred."""
        height = self.box_height(len(lines))
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="#ffffff"'
            f' stroke="{_EDGE}"/>'
        )
        self.text(x + width // 2, y + 23, title, style)
        for number, line in enumerate(lines):
            self.text(x + width // 2, y + 41 + 16 * number, line, "small")

    @staticmethod
    def box_height(num_lines: int) -> int:
        """The height of a box with this many small lines."""
        return 36 + 16 * num_lines

    def text(self, x: int, y: int, text: str, style: str = "", *, anchor: str = "middle") -> None:
        """One line of text; `y` is its baseline."""
        self.parts.append(
            f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[int, int], dashed: bool = False) -> None:
        """A line through the points, with a head at its end."""
        path = " ".join(f"{x},{y}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{_MUTED}" stroke-width="1.5"'
            f' marker-end="url(#head)"{dash}/>'
        )

    def svg(self) -> str:
        """The whole picture."""
        head = (
            '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"'
            f' markerHeight="7" orient="auto"><path d="M0,0 L10,5 L0,10 z" fill="{_MUTED}"/>'
            "</marker>"
        )
        title = "How llmtrain runs a job on a laptop and on Kubernetes"
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
            f' aria-label="{title}">\n<title>{title}</title>\n<style>{_STYLE}</style>\n'
            f"<defs>{head}</defs>\n"
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n'
        )


def render_system_picture() -> str:
    """The picture as SVG."""
    drawing = _Drawing()
    _controllers(drawing)
    _stages(drawing)
    _results(drawing)
    return drawing.svg()


def _controllers(drawing: _Drawing) -> None:
    """The upper half: the manifest, and who carries it out."""
    drawing.box(20, 92, 150, "job.yaml", "kind: LLMTrainingJob", "the same file", style="mono bold")
    drawing.area(220, 16, 250, 216, "On a laptop", "#eef6ff")
    drawing.box(240, 92, 210, "llmtrain run job.yaml", "decides what is next", style="mono bold")
    drawing.text(345, 178, "starts a Ray of its own", "small")
    drawing.area(500, 16, 460, 216, "On Kubernetes", "#eefbf1")
    drawing.box(520, 52, 190, "API server", "the job and its status")
    drawing.box(520, 152, 190, "llmtrain operator", "decides what is next")
    drawing.box(760, 52, 180, "Prometheus, Grafana", "cost, progress, alerts")
    drawing.box(760, 152, 180, "KubeRay", "makes Ray clusters")
    drawing.arrow((170, 118), (238, 118))
    drawing.arrow((95, 92), (95, 6), (680, 6), (680, 50))
    drawing.text(110, 64, "kubectl apply", "small", anchor="start")
    drawing.arrow((590, 104), (590, 150))
    drawing.text(582, 132, "watch", "small", anchor="end")
    drawing.arrow((640, 152), (640, 106))
    drawing.text(648, 132, "status", "small", anchor="start")
    drawing.arrow((710, 178), (758, 178))
    drawing.arrow((710, 162), (735, 162), (735, 78), (758, 78), dashed=True)


def _stages(drawing: _Drawing) -> None:
    """The middle: the stages."""
    drawing.area(
        20,
        276,
        940,
        150,
        "The stages; a stage runs when job.yaml has its section",
        "#fff6e5",
    )
    names = {
        "data": "clean, split",
        "tokenizer": "learn, encode",
        "pretrain": "DeepSpeed",
        "finetune": "full or LoRA",
        "evaluate": "measure, gate",
        "export": "safetensors",
    }
    x = 75
    for number, (name, what) in enumerate(names.items()):
        gap = 70 if name == "pretrain" else _STAGE_GAP
        if number:
            drawing.arrow((x, 338), (x + gap - 2, 338))
            x += gap
        drawing.box(x, 312, _STAGE_WIDTH + 14, name, what)
        x += _STAGE_WIDTH + 14
    drawing.text(198, 396, "on CPUs: no GPU is held", "small")
    drawing.text(
        626, 396, "on the trainers: Ray Train workers with GPUs, or this machine's CPU", "small"
    )
    drawing.arrow((345, 232), (345, 274))
    drawing.text(355, 258, "submits", "small", anchor="start")
    drawing.arrow((615, 204), (615, 274))
    drawing.text(605, 258, "submits", "small", anchor="end")
    drawing.arrow((850, 204), (850, 274))
    drawing.text(860, 258, "Pods", "small", anchor="start")
    drawing.arrow((675, 276), (675, 206), dashed=True)
    drawing.text(683, 258, "progress, exit code", "small", anchor="start")


def _results(drawing: _Drawing) -> None:
    """The lower part: what is kept."""
    drawing.area(
        20, 470, 940, 104, "The workspace: a folder, or a volume that outlives the job", "#f3f0ff"
    )
    kept = ("documents", "tokens", "checkpoints", "models", "report.html", "logs")
    for number, name in enumerate(kept):
        drawing.box(40 + 152 * number, 512, 136, name, style="")
    drawing.arrow((470, 426), (470, 468))
    drawing.arrow((510, 470), (510, 428))
    drawing.text(
        522,
        453,
        "a stage that is started again goes on from the newest checkpoint",
        "small",
        anchor="start",
    )
