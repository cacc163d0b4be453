"""Advice from the data: how much there is of it, and what it gives away."""

from ftrecipe.stages.page.advice.finding import Advice
from ftrecipe.stages.page.story import Story

SMALL_TRAINING = 200  # rows


def small_training(story: Story) -> Advice | None:
    """So few rows that more of them is the best advice there is."""
    rows = (story.data or {}).get("tokens", {}).get("train", {}).get("rows")
    if not rows or rows >= SMALL_TRAINING:
        return None
    return Advice(
        f"{rows:,} training rows are few: more of them, or each asked in several wordings, helps "
        "more than any setting.", ("dataset.path=MORE_DATA",)
    )  # fmt: skip


def contaminated(story: Story) -> Advice | None:
    """Questions of a split that was measured on are also in training."""
    read = {split.value for suite in story.suites if (split := suite.eval.reads())}
    for split, leak in (story.data or {}).get("contamination", {}).items():
        found = leak["same_prompt"] + leak["same_words"]
        if found and split in {*read, "validation"}:
            return Advice(
                f"{found:,} overlaps between training and the {split} split make the numbers look "
                "better than they are: take them out of training, or divide the data by prompt.",
                ("cleaning=[contamination]", "cleaning.contamination.against=[TEST_FILE]"),
            )
    return None
