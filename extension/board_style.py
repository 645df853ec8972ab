"""The style sheet of the board. It takes its colours from the notebook's theme, and names none that is not."""

from __future__ import annotations

from ..runner.board.palette import Palette, palette, theme_style
from ..runner.core.lifecycle import State

_INK = "var(--jp-ui-font-color1,#1c2733)"
_SOFT = "var(--jp-ui-font-color2,#56616d)"
_LINE = "var(--jp-border-color2,#d7dde3)"
_PAPER = "var(--jp-layout-color1,#fff)"
_LOWER = "var(--jp-layout-color2,#f4f7fa)"
_ROW = 26  # pixels of a row in a list, so that a button stands beside each

_RULES = f"""
.dagbook-board{{border:1px solid {_LINE};border-radius:8px;overflow:hidden;color:{_INK};background:{_PAPER};margin:0}}
.dagbook-board .jupyter-widgets.widget-html,.dagbook-board .widget-html-content{{margin:0;line-height:1.4}}
.dagbook-board .widget-html-content{{overflow:visible}}
.dagbook-board .custom-widget{{background:transparent!important;border:0!important;outline:none}}
.dagbook-head{{border-bottom:1px solid {_LINE};padding:6px 12px;align-items:center;gap:6px 16px;overflow:visible}}
.dagbook-chips{{gap:6px;overflow:visible}}
.dagbook-board .dagbook-chip{{width:auto;height:26px;line-height:22px;padding:0 10px;margin:0;border-radius:13px;
font-weight:600;font-size:12px;background:{_LOWER};border:1px solid transparent;box-shadow:none}}
.dagbook-board .dagbook-chip.mod-active{{background:{_PAPER};border-color:currentColor;box-shadow:none}}
.dagbook-board .dagbook-chip:focus-visible{{outline:2px solid currentColor;outline-offset:1px}}
.dagbook-main{{gap:0;overflow:hidden}}
.dagbook-side{{border-left:1px solid {_LINE};padding:8px 12px;overflow:hidden auto;gap:4px}}
.dagbook-side>*{{flex-shrink:0}}
.dagbook-side .widget-html,.dagbook-side .widget-html-content{{min-width:0;max-width:100%;width:100%}}
.dagbook-side .widget-html-content{{overflow-x:auto}}
.dagbook-side pre{{white-space:pre-wrap;overflow-wrap:anywhere}}
.dagbook-choice{{align-items:center;gap:6px;overflow:visible}}
.dagbook-choice select,.dagbook-choice .widget-dropdown{{min-width:0;margin:0}}
.dagbook-below>.widget-tab-contents,.dagbook-below>.jupyter-widget-TabPanel-tabContents{{border:0!important}}
.dagbook-below{{border-top:1px solid {_LINE}}}
.dagbook-page{{padding:6px 12px;overflow:auto}}
.dagbook-lines tr,.dagbook-lines caption{{height:{_ROW}px;line-height:{_ROW}px}}
.dagbook-lines caption{{padding-top:0!important;padding-bottom:0!important}}
.dagbook-lines table{{border-collapse:separate!important;border-spacing:0}}
.dagbook-lines th,.dagbook-lines td{{box-sizing:border-box;height:{_ROW}px;line-height:{_ROW - 2}px;
padding-top:0!important;padding-bottom:0!important;white-space:nowrap!important;max-width:280px;overflow:hidden;
text-overflow:ellipsis}}
.dagbook-row-buttons{{width:26px;flex:0 0 auto;margin:{2 * _ROW}px 0 0!important;overflow:visible;height:auto}}
.dagbook-row-buttons>div{{display:flex;flex-direction:column;margin:0}}
.dagbook-row-buttons button{{width:22px!important;height:{_ROW - 4}px;line-height:{_ROW - 6}px;margin:2px!important;
padding:0;min-width:0;flex:0 0 auto;border-radius:4px;font-size:14px;color:{_INK};background:{_LOWER};box-shadow:none}}
.dagbook-row-buttons button.mod-active{{outline:2px solid #e69f00;box-shadow:none}}
.dagbook-left{{position:relative}}
.dagbook-graph{{padding:12px}}
.dagbook-facts{{overflow:visible;gap:0}}
.dagbook-tools{{position:absolute;left:8px;bottom:8px;z-index:5;overflow:visible;opacity:.75}}
.dagbook-board .dagbook-small{{width:auto;height:26px;line-height:24px;padding:0 10px;margin:0;font-size:12px}}
.dagbook-hint{{color:{_SOFT};font-size:12px}}
"""

# The row is as high as its graph, whatever is told beside it: else a click on a card would move all that is clicked.
_STILL = """
.dagbook-left{justify-content:flex-start!important}
.dagbook-side{contain:size;min-height:440px!important;max-height:none!important}
"""

# Cytoscape remembers where on the page the graph is until something scrolls, is resized or ends an animation. Outputs
# above that grow move the graph with none of these, and clicks would miss their cards: an animation that nobody sees
# ends each time the mouse comes in.
_FOUND = """
.dagbook-board .custom-widget:hover{animation:dagbook-found 1ms}
@keyframes dagbook-found{to{outline-color:transparent}}
"""

# JupyterLab puts a broken chain into every widget whose kernel has gone. One line says it for all, and what to do.
# Where the server has gone too it puts none, but the sign of the notebook's kernel says so.
_KERNEL_IS = ".jp-NotebookPanel:has(.jp-Notebook-ExecutionIndicator[data-status={}]) .dagbook-board"
_SOUGHT = _KERNEL_IS.format("connecting")
_NONE = ",".join(_KERNEL_IS.format(status) for status in ("disconnected", "unknown"))
_ALONE = f":is(.dagbook-board.jupyter-widgets-disconnected,{_SOUGHT},{_NONE})"
_GONE = f"""
.dagbook-board .jupyter-widgets-disconnected::before{{content:none!important}}
{_ALONE}::before{{display:block;padding:8px 12px;
border-bottom:1px solid {_LINE};border-left:4px solid var(--jp-warn-color1,#b26a00);background:{_LOWER};color:{_INK};
font:600 13px/1.4 var(--jp-ui-font-family,system-ui,sans-serif);
align-self:stretch;
content:"The kernel has gone; a run goes on without it. %load_ext dagbook, then %pipeline_show latest"}}
{_SOUGHT}::before{{content:"The kernel does not answer; a run goes on without it, and may be further than this shows"}}
{_ALONE} .dagbook-steering{{opacity:.4;pointer-events:none}}
"""

# A board is drawn in one theme; when the page shows the other one, its picture is turned over, and keeps its hues.
_OTHER = """
[data-jp-theme-light="false"] .dagbook-light .custom-widget canvas{filter:invert(.91) hue-rotate(180deg)}
[data-jp-theme-light="true"] .dagbook-dark .custom-widget canvas{filter:invert(1) hue-rotate(180deg) brightness(1.14)}
"""

# The board's output is followed by nothing that reopens without a kernel, so a static picture stands before it. The
# one is seen where the board is not alive, the other where it is; both are saved.
_TWIN = """
.jp-OutputArea-child:has(.dagbook-twin):has(+.jp-OutputArea-child .dagbook-board){display:none}
.jp-OutputArea-child:has(.dagbook-twin)+.jp-OutputArea-child:not(:has(.dagbook-board)){display:none}
"""


def board_style() -> str:
    """A style element for the board's widgets."""
    follows = palette("auto")
    chips = "".join(_chip(follows, state) for state in State)
    return f"<style>{theme_style()}{_RULES}{_STILL}{_FOUND}{_GONE}{_OTHER}{chips}</style>"


def _chip(colours: Palette, state: State) -> str:
    return f".dagbook-board .dagbook-chip.dagbook-{state}{{color:{colours.mark(state).text}}}\n"


def twin(html: str) -> str:
    """Static HTML that is seen as long as the board in the output after it is not alive."""
    return f'<div class="dagbook-twin"><style>{_TWIN}</style>{html}</div>'
