"""What clients were told by others than matters: answers, calls, acknowledgments, notices."""
