"""The report of a run: every figure, from the list of judged predictions."""

from speciarl_verl.evaluation.report_schema import JudgeAbout, Report, RunAbout, SamplingAbout, Versions

__all__ = ["JudgeAbout", "Report", "RunAbout", "SamplingAbout", "Versions"]
