UPDATE node SET seat_height = 120, seated = 0 WHERE season = 'spring' AND operator = 'gone' AND number = 2;
