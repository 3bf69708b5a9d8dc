"""Reports that answer an inquiry of their own: a figure's why, a what-if, a backtest. Nobody asks for them by a kind's name."""
