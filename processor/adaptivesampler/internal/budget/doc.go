// Package budget holds what is kept to a number of spans per second, so that
// the counts that the kept ones stand for stay unbiased.
//
//   - [Selector] chooses among whole traces at the end of a window, and no
//     window is over the budget;
//   - [Names] gives every name its minimum.
//
// Both rest on one rule: what a threshold is made of may depend on everything
// but the randomness of the item that it decides. Then an item is kept with
// exactly the probability that its threshold states, and it stands for one
// over that.
package budget
